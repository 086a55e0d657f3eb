// The factorization of tall least-squares problems for Python: checks, the interpreter lock, interruptions.
#include "program/tsqr.hpp"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>

#include "binding/arrays.hpp"
#include "binding/module.hpp"
#include "program/interruption.hpp"

namespace descend::binding {
namespace {

using namespace nb::literals;
using namespace tsqr;

constexpr long most_columns = 1L << 15;

// Rows (n, columns), or (n,) for one column; any distances between the values, nothing is copied.
Table checked_table(const Array& array, const char* name, double scale) {
  if (array.ndim() != 1 && array.ndim() != 2) refuse(std::string(name) + " must have one or two dimensions");
  const bool bytes = holds<std::uint8_t>(array), single = holds<float>(array);
  if (!bytes && !single && !holds<double>(array))
    refuse(std::string(name) + " must be float64, float32 or uint8");
  if (reinterpret_cast<std::uintptr_t>(array.data()) % array.itemsize() != 0)
    refuse(std::string(name) + " is not aligned");
  const long columns = array.ndim() == 1 ? 1 : static_cast<long>(array.shape(1));
  if (columns < 1 || columns > most_columns) refuse(std::string(name) + " must have from 1 to 2**15 columns");
  return {array.data(),
          bytes    ? Number::uint8
          : single ? Number::float32
                   : Number::float64,
          bytes ? scale : 1.0,
          columns,
          static_cast<long>(array.stride(0)),
          array.ndim() == 1 ? 1 : static_cast<long>(array.stride(1))};
}

double weight_at(const Table& weight, long row) {
  const long at = row * weight.row_step;
  return weight.number == Number::float64 ? static_cast<const double*>(weight.data)[at]
                                          : static_cast<double>(static_cast<const float*>(weight.data)[at]);
}

double greatest_weight(const Table& weight, long rows) {
  if (weight.number == Number::uint8) refuse("weight must be float64 or float32");
  double greatest = 0;
  for (long row = 0; row < rows; ++row) {
    const double value = weight_at(weight, row);
    if (!(std::isfinite(value) && value >= 0))
      refuse("weight[" + std::to_string(row) + "] is not a finite number of at least 0");
    greatest = std::max(greatest, value);
  }
  if (greatest == 0) refuse("every weight is zero");
  return greatest;
}

Result<double> rows_of(const std::vector<double>& values, long rows, long columns) {
  const Fresh<double> result =
      fresh<double>({static_cast<std::size_t>(rows), static_cast<std::size_t>(columns)});
  std::copy(values.begin(), values.end(), result.data);
  return result.array;
}

nb::tuple tall_skinny_qr(const std::string& instruction_set, const Array& x, const Array& y,
                         const std::optional<Array>& weight, double scale, bool intercept, int threads) {
  if (threads < 1 || threads > 1024) refuse("threads must be from 1 to 1024");
  if (!std::isfinite(scale * 255)) refuse("scale must be finite");
  const KernelTable& table = choose_kernels(instruction_set);
  System system{checked_table(x, "X", scale), checked_table(y, "y", 1), {}, 1, intercept};
  const long rows = static_cast<long>(x.shape(0));
  if (rows < 1) refuse("X has no rows");
  if (static_cast<long>(y.shape(0)) != rows)
    refuse("X has " + std::to_string(rows) + " rows, y has " + std::to_string(y.shape(0)));
  double greatest = 1;
  if (weight) {
    check_shape(*weight, "weight", {rows});
    system.weight = checked_table(*weight, "weight", 1);
    greatest = greatest_weight(system.weight, rows);
  }
  Factored factored;
  {
    const nb::gil_scoped_release released;
    const std::function<bool()> ask = [] {
      const nb::gil_scoped_acquire held;
      if (PyErr_CheckSignals() != 0) throw nb::python_error();
      return false;
    };
    Interruption interruption(ask);
    factored =
        tsqr::factorize(system, rows, greatest, table, threads, [&interruption] { interruption.asked(); });
  }
  const long all = factored.factored + factored.carried;
  return nb::make_tuple(rows_of(factored.columns, all, factored.factored), copied(factored.rest),
                        copied(factored.shift), copied(factored.scale));
}

#define DESCEND_ARRAY "numpy.typing.NDArray[typing.Any]"
#define DESCEND_DOUBLES "numpy.typing.NDArray[numpy.float64]"

}  // namespace

void bind_tsqr(nb::module_& module) {
  module.def("tall_skinny_qr", &tall_skinny_qr, "instruction_set"_a, "x"_a, "y"_a, "weight"_a.none(),
             "scale"_a, "intercept"_a, "threads"_a,
             "R and Q^T y of the rows sqrt(weight) [1, (x - shift) / scale], a row for each column; squared\n"
             "lengths of y outside; shift and scale per column of x and y.",
             nb::sig("def tall_skinny_qr(instruction_set: str, x: " DESCEND_ARRAY ", y: " DESCEND_ARRAY
                     ", weight: " DESCEND_ARRAY
                     " | None, scale: float, intercept: bool, threads: int) -> tuple[" DESCEND_DOUBLES
                     ", " DESCEND_DOUBLES ", " DESCEND_DOUBLES ", " DESCEND_DOUBLES "]"));
}

}  // namespace descend::binding
