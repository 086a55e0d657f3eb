#include "program/thread_choice.hpp"

#include <cmath>

#include "tests/check.hpp"

namespace descend::tests {
namespace {

// A machine of two cores, simulated: a step of one row takes a second's thousandth alone and half of that on
// both. Something else uses the second core for `away` of every 8 ms, and the first one for `taken` of its
// time.
struct Machine {
  double now = 0, away = 0, taken = 0;
  int steps = 0, together = 0;

  void run(ThreadChoice& choice, double until) {
    while (now < until) {
      const Slice slice = choice.next(2);
      const double start = now;
      Pace pace;
      do {
        step(slice.threads);
        ++pace.rows;
      } while (now - start < slice.seconds &&
               !(slice.row_seconds > 0 && now - start > pace.rows * slice.row_seconds + slice.allowance));
      pace.seconds = now - start;
      pace.computing = pace.rows * alone;
      choice.took(slice, pace);
    }
  }

 private:
  static constexpr double alone = 1e-3, period = 8e-3;

  void step(int threads) {
    ++steps;
    if (threads == 1) {
      now += alone / (1 - taken);
      return;
    }
    ++together;
    now += alone / 2;
    if (const double phase = std::fmod(now, period); phase < away) now += away - phase;
  }
};

double lost(const Machine& machine, double from, int steps) {
  return 1 - steps * 1e-3 / (machine.now - from);
}

const Register free_cores{"thread choice: both cores of a quiet machine", [] {
                            ThreadChoice choice;
                            Machine machine;
                            machine.run(choice, 2);
                            check(machine.steps > 1.97 * machine.now / 1e-3, "threads were left idle");
                          }};

const Register neighbour{"thread choice: a neighbour costs one part in thirty at most", [] {
                           for (double away : {4e-3, 6e-3, 7e-3}) {
                             ThreadChoice choice;
                             Machine machine;
                             machine.away = away;
                             machine.run(choice, 0.3);
                             check(lost(machine, 0, machine.steps) < 0.05, "too much was lost at first");
                             const double from = machine.now;
                             const int before = machine.steps;
                             machine.run(choice, 5);
                             check(lost(machine, from, machine.steps - before) < 0.03, "too much was lost");
                           }
                         }};

const Register comes_and_goes{"thread choice: a neighbour that comes is noticed, and that it went", [] {
                                ThreadChoice choice;
                                Machine machine;
                                machine.run(choice, 1);
                                machine.away = 6e-3;
                                double from = machine.now;
                                int before = machine.steps;
                                machine.run(choice, from + 0.2);
                                check(lost(machine, from, machine.steps - before) < 0.1, "noticed late");
                                machine.run(choice, from + 3);
                                machine.away = 0;
                                machine.run(choice, machine.now + 1.1);
                                from = machine.now, before = machine.steps;
                                machine.run(choice, from + 0.5);
                                check(machine.steps - before > 1.9 * 0.5 / 1e-3,
                                      "the free core was not used");
                              }};

const Register crowded{"thread choice: where one thread has to wait for a core, two are not tried", [] {
                         ThreadChoice choice;
                         Machine machine;
                         machine.taken = 0.5, machine.away = 6e-3;
                         machine.run(choice, 1);
                         check(machine.together == 0, "two were tried");
                       }};

}  // namespace
}  // namespace descend::tests
