// Rows, targets and weights as Python hands them over, and their checks.
#pragma once

#include <optional>

#include "binding/arrays.hpp"
#include "program/program.hpp"

namespace descend::binding {

// Rows and targets whose arrays stay alive as long as this.
template <class T>
struct Bound {
  Data<T> data;
  Array x;
  std::optional<Array> y, weight;
};

// x : (n, inputs) of uint8 or T.  y : (n,) int64 classes (cross-entropy) or (n, outputs) of T.
// weight : (n,) of T, none for all 1.  All C-contiguous; ValueError in Python for anything else.
template <class T>
Source checked_source(const Network& network, const Array& x, double scale);
template <class T>
Bound<T> checked_data(const Network& network, const Array& x, const Array& y,
                      const std::optional<Array>& weight, double scale);

// ValueError in Python unless layers of the same widths read the same rows.
void check_alike(const Network& network, const Source& source, const Network& other,
                 const Source& other_source);

}  // namespace descend::binding
