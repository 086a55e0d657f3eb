// Rows, targets and weights as Python hands them over, and their checks.
#pragma once

#include <optional>
#include <tuple>
#include <variant>

#include "binding/arrays.hpp"
#include "program/program.hpp"

namespace descend::binding {

// Of a sparse table: values, row starts, columns.
using SparseTable = std::tuple<Array, Array, Array>;
using Table = std::variant<Array, SparseTable>;

// Rows and targets whose arrays stay alive as long as this.
template <class T>
struct Bound {
  Data<T> data;
  Table x;
  std::optional<Array> y, weight;
};

// Both raise ValueError in Python.
template <class T>
Source checked_source(const Network& network, const Table& x, double scale);
template <class T>
Bound<T> checked_data(const Network& network, const Table& x, const Array& y,
                      const std::optional<Array>& weight, double scale);
// ValueError in Python unless layers of the same widths read the same rows.
void check_alike(const Network& network, const Source& source, const Network& other,
                 const Source& other_source);

}  // namespace descend::binding
