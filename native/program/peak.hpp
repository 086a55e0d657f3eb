// How fast this machine multiplies and adds.
#pragma once

#include "dispatch/dispatch.hpp"

namespace descend {

// Fused multiply-adds in float32 counted as two operations each: 10⁹ a second on `threads` threads
// together, the best of several short measurements (about a tenth of a second in all).
double measured_peak(const KernelTable& table, int threads);

}  // namespace descend
