// What the extension's files know of each other.
#pragma once

#include <nanobind/nanobind.h>

#include <stdexcept>

namespace descend::binding {

// A second caller used a program that was still running.
struct Busy : std::runtime_error {
  using std::runtime_error::runtime_error;
};

void bind_programs(nanobind::module_& module);
void bind_probes(nanobind::module_& module);
void bind_tsqr(nanobind::module_& module);

}  // namespace descend::binding
