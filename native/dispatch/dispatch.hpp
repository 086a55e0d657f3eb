// Which table of kernels this process uses.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "kernels/interface.hpp"

namespace descend {

// An instruction set that was not compiled in, or that this machine or its operating system lacks.
struct Unavailable : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The table of that name, or for an empty name the best this machine can run.
// Throws std::invalid_argument for an unknown name, Unavailable where the machine lacks it.
const KernelTable& choose_kernels(const std::string& name);

// Names of the tables this machine can run, best first, without those meant for tests.
std::vector<std::string> usable_kernels();

template <class T>
const Kernels<T>& kernels_of(const KernelTable& table);
template <>
inline const Kernels<float>& kernels_of<float>(const KernelTable& table) {
  return table.single;
}
template <>
inline const Kernels<double>& kernels_of<double>(const KernelTable& table) {
  return table.twice;
}

}  // namespace descend
