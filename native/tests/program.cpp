#include "program/program.hpp"

#include <cstring>
#include <limits>

#include "tests/check.hpp"
#include "tests/starts.hpp"

namespace descend::tests {
namespace {

constexpr long inputs = 21, classes = 6, rows = 150;

// A small network with wide and narrow layers, trained some steps from a fixed start.
template <class T>
std::vector<T> trained(const std::string& instruction_set, int threads, long steps,
                       double clip = std::numeric_limits<double>::infinity()) {
  const Network network{inputs,
                        {{40, Activation::tanh, true, 0},
                         {0, Activation::identity, false, 0.2},
                         {33, Activation::gelu, true, 0},
                         {9, Activation::relu, false, 0},
                         {classes, Activation::identity, true, 0}},
                        {LossKind::cross_entropy, 1.0, 0.1, {}}};
  const OptimizerOptions adam{OptimizerKind::adamw, 0, 0, false, 0, false, 0.9, 0.999, 1e-8, true, false};
  Program<T> program(network, adam, choose_kernels(instruction_set), threads, 5);
  write_start(program.weights(), 11);

  const std::vector<T> x = spread_values<T>(rows * inputs);
  Data<T> data{{x.data(), false, 1.0, rows, inputs, nullptr, 0, nullptr, 0},
               rows,
               std::vector<std::int32_t>(rows),
               nullptr,
               nullptr};
  for (std::size_t i = 0; i < data.labels.size(); ++i) data.labels[i] = x[i * inputs] > T(0) ? 1 : 0;
  Batches batches(program.table(), Order{3, rows, 64, LastBatch::keep, true, false, {}});
  Plan plan{0,
            steps,
            batches,
            std::vector<double>(static_cast<std::size_t>(steps), 0.01),
            std::vector<double>(7, 0.01),
            clip};
  const Chunk chunk = program.run(data, plan, 100.0);
  check(chunk.stopped == Stopped::finished && static_cast<long>(chunk.loss.size()) == steps,
        "the run did not finish");
  check(chunk.loss.back() < chunk.loss.front(), "the loss did not fall");

  std::vector<T> out(rows * classes);
  program.output(data.source, rows, false, out.data());
  return out;
}

template <class T>
bool same(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

template <class T>
void check_bits() {
  for (const std::string& name : usable_kernels()) {
    const std::vector<T> alone = trained<T>(name, 1, 20);
    for (int threads : {2, 3, 4})
      check(same(alone, trained<T>(name, threads, 20)), name + ": threads change the bits");
    const std::vector<T> clipped = trained<T>(name, 1, 20, 0.02);
    check(!same(alone, clipped), name + ": no gradient was clipped");
    for (int threads : {2, 3})
      check(same(clipped, trained<T>(name, threads, 20, 0.02)), name + ": threads change the clipped bits");
    check(same(alone, trained<T>(name, 2, 20, 1e9)),
          name + ": a norm that is never reached changes the bits");
  }
}

const Register bits_single{"program: the same float bits on 1 to 4 threads", check_bits<float>};
const Register bits_double{"program: the same double bits on 1 to 4 threads", check_bits<double>};

// FNV-1a over the bytes of the outputs.
template <class T>
std::uint64_t digest(const std::vector<T>& values) {
  std::vector<unsigned char> bytes(values.size() * sizeof(T));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (unsigned char byte : bytes) hash = (hash ^ byte) * 0x100000001b3u;
  return hash;
}

// The bits every machine with fused multiply-add must reach: these were reached with AVX2 and with NEON.
constexpr std::uint64_t known_single = 172680027300715310u, known_double = 4887721907507984433u;

const Register across_sets{
    "program: the known bits on every fused instruction set", [] {
      std::vector<std::string> names = usable_kernels();
      std::erase(names, "generic");
      if (!names.empty() && names.front() != "neon") names.push_back("x86-64-v3-wide");
      for (const std::string& name : names) {
        check(digest(trained<float>(name, 2, 20)) == known_single,
              name + ": other float bits " + std::to_string(digest(trained<float>(name, 2, 20))));
        check(digest(trained<double>(name, 2, 20)) == known_double,
              name + ": other double bits " + std::to_string(digest(trained<double>(name, 2, 20))));
      }
    }};

}  // namespace
}  // namespace descend::tests
