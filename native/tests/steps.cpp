// Trains so many epochs of a named workload on one thread: for counting instructions, which a Python
// process around it would only blur. Usage: native_steps softmax-256|mlp-32|linear-10 EPOCHS
// The instruction set is DESCEND_ISA's, as everywhere. Prints the number of steps made.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

#include "program/program.hpp"

namespace descend {
namespace {

struct Workload {
  const char* name;
  bool images;  // 8-bit inputs and classes, else numbers
  long rows, inputs;
  std::vector<Layer> layers;
  long batch;
  double rate;
};

const Workload& find(const std::string& name) {
  static const Layer classes{10, Activation::identity, true, 0};
  static const Workload all[] = {
      {"softmax-256", true, 6400, 784, {classes}, 256, 0.1},
      {"mlp-32", true, 1600, 784, {{256, Activation::relu, true, 0}, classes}, 32, 0.1},
      {"linear-10", false, 1000, 2, {{1, Activation::identity, true, 0}}, 10, 0.03},
  };
  for (const Workload& work : all)
    if (name == work.name) return work;
  throw std::invalid_argument("unknown workload " + name);
}

// Small numbers that differ: what they are does not change how many instructions a step takes.
template <class T>
std::vector<T> values(long count, long modulus, double scale, double shift) {
  std::vector<T> made(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < made.size(); ++i)
    made[i] = static_cast<T>(static_cast<double>((i * 53 + 11) % static_cast<std::size_t>(modulus)) * scale -
                             shift);
  return made;
}

void draw_weights(Weights<float>& weights) {
  for (long i = 0; i < weights.parameters(); ++i) {
    StoredParameter<float>& parameter = weights.parameter(i);
    parameter.write(StoredParameter<float>::value_part,
                    values<float>(parameter.count(), 101, 1e-3, 0.05).data());
  }
  weights.refresh_transposed();
}

long train(const Workload& work, long epochs) {
  const char* wished = std::getenv("DESCEND_ISA");
  const LossKind kind = work.images ? LossKind::cross_entropy : LossKind::squared_error;
  const OptimizerOptions sgd{OptimizerKind::sgd, 0, 0, false, 0, false, 0, 0, 0, false, false};
  Program<float> program({work.inputs, work.layers, {kind, 1.0, 0.0, {}}}, sgd,
                         choose_kernels(wished ? wished : ""), 1, 0);
  draw_weights(program.weights());

  const std::vector<unsigned char> pixels = values<unsigned char>(work.rows * work.inputs, 251, 1, 0);
  const std::vector<float> numbers = values<float>(work.rows * work.inputs, 97, 1 / 48.0, 1);
  const std::vector<float> targets = values<float>(work.rows, 89, 1 / 44.0, 1);
  const void* x = work.images ? static_cast<const void*>(pixels.data()) : numbers.data();
  const Data<float> data{
      {x, work.images, work.images ? 1 / 255.0 : 1.0, work.rows, work.inputs, nullptr, 0, nullptr, 0},
      work.rows,
      work.images ? values<std::int32_t>(work.rows, 10, 1, 0) : std::vector<std::int32_t>(),
      work.images ? nullptr : targets.data(),
      nullptr};
  const long steps = epochs * (work.rows / work.batch);
  Batches batches(program.table(), Order{0, work.rows, work.batch, LastBatch::keep, true, false, {}});
  Plan plan{0, steps, batches, std::vector<double>(static_cast<std::size_t>(steps), work.rate),
            std::vector<double>(static_cast<std::size_t>(program.weights().parameters()), 0.0)};
  const Chunk chunk = program.run(data, plan, 1e9);
  if (chunk.stopped != Stopped::finished) throw std::runtime_error("the run did not finish");
  return steps;
}

}  // namespace
}  // namespace descend

int main(int count, char** arguments) {
  try {
    if (count != 3) throw std::invalid_argument("usage: native_steps WORKLOAD EPOCHS");
    std::printf("%ld\n", descend::train(descend::find(arguments[1]), std::stol(arguments[2])));
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "native_steps: %s\n", error.what());
    return 2;
  }
}
