#include <cstring>
#include <limits>

#include "program/program.hpp"
#include "tests/check.hpp"

namespace descend::tests {
namespace {

constexpr long inputs = 150, rows = 130;

// The same table twice: dense, and what is stored of it.
template <class T>
struct Tables {
  std::vector<T> dense = std::vector<T>(rows * inputs), values, targets;
  std::vector<std::int64_t> starts{0};
  std::vector<std::int32_t> columns;

  explicit Tables(long outputs) {
    for (long i = 0; i < rows; ++i) {
      for (long k = 0; k < inputs; ++k) {
        const long drawn = (i * 7919 + k * 104729) % 1009;
        if (drawn > 60 && i != 5) continue;  // row 5 is full
        const T value = static_cast<T>(drawn % 13) / T(6) - T(1);
        dense[static_cast<std::size_t>(i * inputs + k)] = value;
        values.push_back(value);
        columns.push_back(static_cast<std::int32_t>(k));
      }
      starts.push_back(static_cast<std::int64_t>(values.size()));
      for (long j = 0; j < outputs; ++j) targets.push_back(static_cast<T>((i * 31 + j) % 17) / T(8) - T(1));
    }
  }

  Data<T> data(bool sparse) const {
    Source source{dense.data(), false, 1.0, rows, inputs, nullptr, 0, nullptr, 0};
    if (sparse) {
      source.x = values.data();
      source.starts = starts.data();
      source.columns = columns.data();
    }
    return {source, rows, {}, targets.data(), nullptr};
  }
};

// Weights and outputs after some steps.
template <class T>
std::vector<T> trained(const Tables<T>& tables, bool sparse, long units, const OptimizerOptions& optimizer,
                       const std::string& instruction_set, int threads, double decay, double clip) {
  const Network network{inputs,
                        {{units, Activation::tanh, true, 0}, {3, Activation::identity, true, 0}},
                        {LossKind::squared_error, 0, 0, {}}};
  Program<T> program(network, optimizer, choose_kernels(instruction_set), threads, 5);
  for (long i = 0; i < program.weights().parameters(); ++i) {
    std::vector<T> start(static_cast<std::size_t>(program.weights().parameter(i).count()));
    for (std::size_t k = 0; k < start.size(); ++k)
      start[k] = static_cast<T>((k * 37) % 101) / T(250) - T(0.2);
    program.weights().parameter(i).write(StoredParameter<T>::value_part, start.data());
  }
  program.weights().refresh_transposed();
  const Data<T> data = tables.data(sparse);
  Batches batches(program.table(), Order{3, rows, 48, LastBatch::keep, true, false, {}});
  const Plan plan{0, 9, batches, std::vector<double>(9, 0.05), std::vector<double>(4, decay), clip};
  check(program.run(data, plan, 100.0).stopped == Stopped::finished, "the run did not finish");
  std::vector<std::uint32_t> all(rows);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::uint32_t>(i);
  check(program.gradient(data, all, 0).has_value(), "no gradient");

  std::vector<T> found(rows * 3);
  program.output(data.source, rows, false, found.data());
  for (int part : {StoredParameter<T>::value_part, StoredParameter<T>::gradient_part}) {
    std::vector<T> weights(static_cast<std::size_t>(inputs * units));
    program.weights().parameter(0).read(part, weights.data());
    found.insert(found.end(), weights.begin(), weights.end());
  }
  return found;
}

template <class T>
void check_bits() {
  const Tables<T> tables(3);
  const double none = std::numeric_limits<double>::infinity();
  const OptimizerOptions sgd{OptimizerKind::sgd, 0, 0, false, 0, false, 0, 0, 0, false},
      adam{OptimizerKind::adam, 0, 0, false, 0, false, 0.9, 0.999, 1e-8, false};
  for (const std::string& name : usable_kernels())
    for (long units : {5, 70})
      for (const OptimizerOptions& optimizer : {sgd, adam})
        for (double decay : {0.0, 0.1})
          for (double clip : {none, 0.05}) {
            const std::vector<T> dense = trained(tables, false, units, optimizer, name, 1, decay, clip);
            for (int threads : {1, 2, 3}) {
              const std::vector<T> thin = trained(tables, true, units, optimizer, name, threads, decay, clip);
              check(std::memcmp(dense.data(), thin.data(), dense.size() * sizeof(T)) == 0,
                    name + ": sparse rows have other bits on " + std::to_string(threads) + " threads");
            }
          }
}

const Register single{"sparse: the float bits of dense rows", check_bits<float>};
const Register twice{"sparse: the double bits of dense rows", check_bits<double>};

}  // namespace
}  // namespace descend::tests
