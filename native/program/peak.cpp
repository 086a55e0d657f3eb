#include "program/peak.hpp"

#include <algorithm>
#include <chrono>
#include <vector>

#include "program/floating_point.hpp"
#include "program/pool.hpp"

namespace descend {

double measured_peak(const KernelTable& table, int threads) {
  using Clock = std::chrono::steady_clock;
  constexpr int measurements = 8;
  constexpr long rounds = 1'500'000;
  Pool pool;
  threads = pool.ready(threads);
  double best = 0;
  for (int i = 0; i < measurements; ++i) {
    Barrier together(threads);
    std::vector<double> operations(static_cast<std::size_t>(threads));
    Clock::time_point start;
    pool.run(threads, [&](int thread) {
      FloatingPointScope rounding;
      together.wait();
      if (thread == 0) start = Clock::now();
      operations[static_cast<std::size_t>(thread)] = table.single.saturate(rounds);
    });
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    double all = 0;
    for (double own : operations) all += own;
    best = std::max(best, all / seconds);
  }
  return best * 1e-9;
}

}  // namespace descend
