// What the extension's files know of each other.
#pragma once

#include <nanobind/nanobind.h>

namespace descend::binding {

void bind_programs(nanobind::module_& module);
void bind_probes(nanobind::module_& module);
void bind_tsqr(nanobind::module_& module);

}  // namespace descend::binding
