#include "binding/module.hpp"

#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "binding/arrays.hpp"
#include "dispatch/dispatch.hpp"
#include "program/peak.hpp"

namespace {

namespace nb = nanobind;
using namespace nb::literals;

std::string selected(const std::string& name) { return descend::choose_kernels(name).name; }

double peak(const std::string& name, int threads) {
  if (threads < 1 || threads > 1024) descend::binding::refuse("threads must be from 1 to 1024");
  const descend::KernelTable& table = descend::choose_kernels(name);
  const nb::gil_scoped_release released;
  return descend::measured_peak(table, threads);
}

}  // namespace

NB_MODULE(_native, module) {
  module.doc() = "descend's native engine.";
  nb::exception<descend::binding::Busy>(module, "Busy", PyExc_RuntimeError);
  nb::exception<descend::Unavailable>(module, "Unavailable", PyExc_RuntimeError);
  module.def("instruction_sets", &descend::usable_kernels,
             "Names of the instruction sets this machine can run, best first.");
  module.def("selected", &selected, "instruction_set"_a,
             "The one that is used for this name; the best for an empty one.");
  module.def("peak", &peak, "instruction_set"_a, "threads"_a,
             "Measured multiply-add peak in float32, 10**9 operations a second.");
  descend::binding::bind_programs(module);
  descend::binding::bind_tsqr(module);
  descend::binding::bind_probes(module);
}
