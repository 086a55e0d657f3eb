#include "binding/module.hpp"

#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "binding/arrays.hpp"
#include "binding/interpreter_lock.hpp"
#include "binding/turn.hpp"
#include "dispatch/dispatch.hpp"
#include "program/finite.hpp"
#include "program/peak.hpp"

namespace {

namespace nb = nanobind;
using namespace nb::literals;

std::string selected(const std::string& name) { return descend::choose_kernels(name).name; }

double peak(const std::string& name, int threads) {
  if (threads < 1 || threads > 1024) descend::binding::refuse("threads must be from 1 to 1024");
  const descend::KernelTable& table = descend::choose_kernels(name);
  const descend::binding::Unlocked unlocked;
  return descend::measured_peak(table, threads);
}

template <class T>
bool all_finite_of(const descend::binding::Array& values) {
  const T* data = static_cast<const T*>(values.data());
  const long count = static_cast<long>(values.size());
  if (count < 1L << 16) return descend::all_finite(data, count);  // done before another thread had its turn
  const descend::binding::Unlocked unlocked;
  return descend::all_finite(data, count);
}

bool all_finite(const descend::binding::Array& values) {
  if (values.size() == 0) return true;  // and its pointer may be none
  descend::binding::check_layout(values, "values");
  if (descend::binding::holds<float>(values)) return all_finite_of<float>(values);
  if (descend::binding::holds<double>(values)) return all_finite_of<double>(values);
  descend::binding::refuse("values must be float32 or float64");
}

}  // namespace

NB_MODULE(_native, module) {
  module.doc() = "descend's native engine.";
  // The interpreter never frees what the frames of daemon threads hold: that programs are alive when it ends
  // is no defect. Tests count them instead.
  nb::set_leak_warnings(false);
  nb::exception<descend::binding::Busy>(module, "Busy", PyExc_RuntimeError);
  nb::exception<descend::Unavailable>(module, "Unavailable", PyExc_RuntimeError);
  module.def("instruction_sets", &descend::usable_kernels,
             "Names of the instruction sets this machine can run, best first.");
  module.def("selected", &selected, "instruction_set"_a,
             "The one that is used for this name; the best for an empty one.");
  module.def("peak", &peak, "instruction_set"_a, "threads"_a,
             "Measured multiply-add peak in float32, 10**9 operations a second.");
  module.def("all_finite", &all_finite, "values"_a,
             nb::sig("def all_finite(values: numpy.typing.NDArray[typing.Any]) -> bool"),
             "Whether no value of a C-contiguous float32 or float64 array is NaN or infinite.");
  descend::binding::bind_programs(module);
  descend::binding::bind_tsqr(module);
  descend::binding::bind_probes(module);
}
