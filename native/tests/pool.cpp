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
        pool.ready(threads);
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
                         pool.ready(threads);
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
                           pool.ready(3);
                           for (int i = 0; i < 5000; ++i) pool.run(3, [&](int thread) { sum += thread; });
                           check(sum == 5000 * 3, "some runs were lost");
                         }};

const Register latecomers{"pool: shared work ends without threads that have not begun", [] {
                            Pool pool;
                            const int threads = pool.ready(4);
                            for (int i = 0; i < 2000; ++i) {
                              std::atomic<int> left{5}, running{0};
                              pool.share(threads, [&](int) {
                                ++running;
                                while (left.fetch_sub(1) > 0) {
                                }
                                --running;
                              });
                              check(left <= 0, "work was left");
                              check(running == 0, "a thread was still running");
                            }
                          }};

}  // namespace
}  // namespace descend::tests
