// Tall least-squares problems for Python: their factorization, and what a solution leaves of them.
#include "program/tsqr.hpp"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>

#include <algorithm>
#include <cmath>

#include "binding/arrays.hpp"
#include "binding/module.hpp"
#include "binding/systems.hpp"
#include "program/residual.hpp"

namespace descend::binding {
namespace {

using namespace nb::literals;
using namespace tsqr;

Result<double> rows_of(const std::vector<double>& values, long rows, long columns) {
  const Fresh<double> result =
      fresh<double>({static_cast<std::size_t>(rows), static_cast<std::size_t>(columns)});
  std::copy(values.begin(), values.end(), result.data);
  return result.array;
}

nb::tuple tall_skinny_qr(const std::string& instruction_set, const Array& x, const Array& y,
                         const std::optional<Array>& weight, double scale, bool intercept, int threads) {
  const CheckedSystem checked(x, y, weight, scale, intercept, threads);
  const KernelTable& table = choose_kernels(instruction_set);
  const Factored factored = released_from_python([&](const std::function<void()>& poll) {
    return factorize(checked.system, checked.rows, checked.greatest_weight, table, threads, poll);
  });
  const long all = factored.factored + factored.carried;
  return nb::make_tuple(rows_of(factored.columns, all, factored.factored), copied(factored.rest),
                        copied(factored.shift), copied(factored.scale));
}

bool is_power_of_two(double value) {
  int exponent = 0;
  return std::frexp(value, &exponent) == 0.5;
}

nb::tuple normal_residual(const std::string& instruction_set, const Array& x, const Array& y,
                          const std::optional<Array>& weight, double scale, bool intercept,
                          double weight_scale, const Array& powers, const Array& coefficients, int threads) {
  CheckedSystem checked(x, y, weight, scale, intercept, threads);
  const KernelTable& table = choose_kernels(instruction_set);
  const long values = checked.system.x.columns + checked.system.y.columns, targets = checked.system.y.columns;
  const long columns = checked.system.x.columns + (intercept ? 1 : 0);
  const double* power = descend::binding::checked<double>(powers, "powers", {values});
  const double* given =
      descend::binding::checked<double>(coefficients, "coefficients", {targets, columns, 2});
  if (!std::all_of(power, power + values, is_power_of_two) || !is_power_of_two(weight_scale))
    refuse("powers and weight_scale must be powers of two");
  checked.system.weight_scale = weight_scale;
  const std::vector<double> sums = released_from_python([&](const std::function<void()>& poll) {
    return tsqr::normal_residual(checked.system, checked.rows, power, given, table, threads, poll);
  });
  const auto t = static_cast<std::size_t>(targets), q = static_cast<std::size_t>(columns);
  const Fresh<double> gradient = fresh<double>({t, q, 2}), squares = fresh<double>({t});
  for (std::size_t target = 0; target < t; ++target) {
    const double* from = sums.data() + 2 * target * (q + 1);
    std::copy_n(from, 2 * q, gradient.data + 2 * target * q);
    squares.data[target] = from[2 * q];
  }
  return nb::make_tuple(gradient.array, squares.array);
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
  module.def("normal_residual", &normal_residual, "instruction_set"_a, "x"_a, "y"_a, "weight"_a.none(),
             "scale"_a, "intercept"_a, "weight_scale"_a, "powers"_a, "coefficients"_a, "threads"_a,
             "A^T W (b - A c) as heads and tails, and the weighted sum of squares of b - A c, per target.\n"
             "A = [1, x * powers], b = y * powers; W = weight * weight_scale.",
             nb::sig("def normal_residual(instruction_set: str, x: " DESCEND_ARRAY ", y: " DESCEND_ARRAY
                     ", weight: " DESCEND_ARRAY
                     " | None, scale: float, intercept: bool, weight_scale: float, powers: " DESCEND_DOUBLES
                     ", coefficients: " DESCEND_DOUBLES ", threads: int) -> tuple[" DESCEND_DOUBLES
                     ", " DESCEND_DOUBLES "]"));
}

}  // namespace descend::binding
