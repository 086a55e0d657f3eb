#include "program/pool.hpp"

#include <vector>

#include "tests/check.hpp"

namespace descend::tests {
namespace {

const Register every_thread{
    "pool: every thread runs the body once, at any size", [] {
      Pool pool;
      for (int threads : {1, 2, 5, 3, 8, 1, 4}) {
        std::vector<int> visits(static_cast<std::size_t>(threads), 0);
        pool.run(threads, [&](int thread) { ++visits[static_cast<std::size_t>(thread)]; });
        for (int count : visits)
          check(count == 1, "a thread ran the body " + std::to_string(count) + " times");
      }
    }};

const Register in_step{"pool: a barrier keeps threads in step", [] {
                         constexpr int threads = 4, rounds = 2000;
                         Pool pool;
                         Barrier barrier(threads);
                         std::vector<int> round(threads, 0);
                         std::atomic<int> stragglers{0};
                         pool.run(threads, [&](int thread) {
                           for (int i = 0; i < rounds; ++i) {
                             round[static_cast<std::size_t>(thread)] = i;
                             barrier.wait();
                             for (int other : round) stragglers += other != i;
                             barrier.wait();
                           }
                         });
                         check(stragglers == 0, std::to_string(stragglers) + " threads were out of step");
                       }};

const Register many_runs{"pool: thousands of short runs", [] {
                           Pool pool;
                           std::atomic<int> sum{0};
                           for (int i = 0; i < 5000; ++i) pool.run(3, [&](int thread) { sum += thread; });
                           check(sum == 5000 * 3, "some runs were lost");
                         }};

}  // namespace
}  // namespace descend::tests
