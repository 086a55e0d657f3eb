// Least-squares problems from Python: every claim about their arrays is checked here.
#pragma once

#include <functional>
#include <optional>
#include <utility>

#include "binding/arrays.hpp"
#include "binding/interpreter_lock.hpp"
#include "kernels/tsqr_interface.hpp"
#include "program/interruption.hpp"

namespace descend::binding {

// x: (n, p), y: (n, t) or (n,), float64, float32 or uint8 (times `scale`, in x), any distances between the
// values; weight: (n,). Refuses anything else, weights below 0 or all 0, and a number of threads out of
// range.
struct CheckedSystem {
  tsqr::System system;
  long rows;
  double greatest_weight = 1;

  CheckedSystem(const Array& x, const Array& y, const std::optional<Array>& weight, double scale,
                bool intercept, int threads);
};

// body(poll) without the interpreter lock; poll() ends it by Python's exception where a signal asks for that.
template <class Body>
auto released_from_python(const Body& body) {
  const Unlocked unlocked;
  const std::function<bool()> ask = [] {
    const Locked locked;
    if (PyErr_CheckSignals() != 0) throw nb::python_error();
    return false;
  };
  Interruption interruption(ask);
  return body([&interruption] { interruption.asked(); });
}

}  // namespace descend::binding
