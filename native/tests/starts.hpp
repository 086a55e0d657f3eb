// Weights and rows that several tests begin with: exact in every build.
#pragma once

#include <vector>

#include "program/program.hpp"

namespace descend::tests {

// `from` chooses which of the values comes first.
template <class T>
void write_start(Weights<T>& weights, std::size_t from) {
  for (long i = 0; i < weights.parameters(); ++i) {
    std::vector<T> values(static_cast<std::size_t>(weights.parameter(i).count()));
    for (std::size_t k = 0; k < values.size(); ++k)
      values[k] = static_cast<T>((k * 37 + from) % 101) / T(250) - T(0.2);
    weights.parameter(i).write(StoredParameter<T>::value_part, values.data());
  }
  weights.refresh_transposed();
}

// Numbers from −1 to 1.
template <class T>
std::vector<T> spread_values(long count) {
  std::vector<T> values(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<T>((i * 53) % 97) / T(48.5) - T(1);
  return values;
}

}  // namespace descend::tests
