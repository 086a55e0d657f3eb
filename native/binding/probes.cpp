// Single parts of the engine, for tests: streams and elementary functions.
#include <nanobind/stl/string.h>

#include "binding/arrays.hpp"
#include "binding/module.hpp"
#include "dispatch/dispatch.hpp"
#include "program/floating_point.hpp"
#include "program/streams.hpp"

namespace descend::binding {
namespace {

using namespace nb::literals;

constexpr long most_rows = 1L << 30;

void check_rows(long rows) {
  if (rows < 0 || rows > most_rows) refuse("rows must be from 0 to 2**30");
}

Result<std::int64_t> order(std::uint64_t seed, std::uint32_t step, long rows, bool replacement) {
  check_rows(rows);
  OrderStream stream(choose_kernels(""), seed, rows);
  std::vector<std::uint32_t> drawn(static_cast<std::size_t>(rows));
  replacement ? stream.draws(step, drawn.data()) : stream.permutation(step, drawn.data());
  const Fresh<std::int64_t> result = fresh<std::int64_t>({drawn.size()});
  for (std::size_t i = 0; i < drawn.size(); ++i) result.data[i] = drawn[i];
  return result.array;
}

Result<double> kept(const std::string& instruction_set, std::uint64_t seed, std::uint32_t step,
                    std::uint32_t layer, long rows, long width, double rate) {
  if (rows < 0 || width < 1 || rows > most_rows / padded(width)) refuse("too many rows or columns");
  if (!(rate >= 0 && rate < 1)) refuse("rate must be at least 0 and below 1");
  const Fresh<double> result =
      fresh<double>({static_cast<std::size_t>(rows), static_cast<std::size_t>(width)});
  std::fill_n(result.data, rows * width, 1.0);
  const DropoutMask mask{dropout_stream(seed, step, layer), static_cast<std::uint32_t>(rate * 4294967296.0),
                         1.0};
  choose_kernels(instruction_set).twice.dropout(mask, 0, rows, width, {result.data, width}, {nullptr, 0});
  return result.array;
}

template <class T>
Result<T> apply(const std::string& instruction_set, const std::string& name, const Array& x) {
  constexpr const char* names[] = {"exp", "log", "log1p", "tanh", "erf"};
  int number = 0;
  for (; number < 5 && name != names[number]; ++number) {
  }
  if (number == 5) refuse("unknown function");
  const long count = static_cast<long>(x.size());
  const T* in = checked<T>(x, "x", {count});
  const Fresh<T> result = fresh<T>({static_cast<std::size_t>(count)});
  FloatingPointScope rounding;
  kernels_of<T>(choose_kernels(instruction_set))
      .function(static_cast<Function>(number), in, result.data, count);
  return result.array;
}

}  // namespace

void bind_probes(nb::module_& module) {
  module.def("_order", &order, "seed"_a, "step"_a, "rows"_a, "replacement"_a);
  module.def("_kept", &kept, "instruction_set"_a, "seed"_a, "step"_a, "layer"_a, "rows"_a, "width"_a,
             "rate"_a);
  module.def("_apply32", &apply<float>, "instruction_set"_a, "name"_a, "x"_a,
             nb::sig("def _apply32(instruction_set: str, name: str, x: numpy.typing.NDArray[numpy.float32]) "
                     "-> numpy.typing.NDArray[numpy.float32]"));
  module.def("_apply64", &apply<double>, "instruction_set"_a, "name"_a, "x"_a,
             nb::sig("def _apply64(instruction_set: str, name: str, x: numpy.typing.NDArray[numpy.float64]) "
                     "-> numpy.typing.NDArray[numpy.float64]"));
}

}  // namespace descend::binding
