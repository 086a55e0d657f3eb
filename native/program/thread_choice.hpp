// One thread or all of them: which is faster depends on the step and on who else uses the machine.
#pragma once

#include <algorithm>

namespace descend {

// Steps that run on so many threads, for a while or until they are that far behind one thread.
struct Slice {
  int threads = 1;
  double seconds = 0;      // at most, but for its last step
  double row_seconds = 0;  // what one thread needs for a row; 0: not known
  double allowance = 0;    // seconds behind one thread at which the slice ends
};

// What a slice did.
struct Pace {
  double rows = 0;
  double seconds = 0;    // that passed
  double computing = 0;  // that the leading thread had a core
};

// Steps are run in slices, and each slice tells how fast its number of threads was. What is computed does not
// depend on the choice.
//
// A thread that something else keeps from its core holds up all others at the next barrier, for some
// milliseconds each time, and runs freely in between: no short trial can tell whether all threads pay. So all
// are used until they have fallen behind what one thread would have done on a core of its own. That costs a
// few milliseconds each time, so it is tried again after a while that doubles and is long beside what was
// lost. Where even one thread has to wait for a core, more are not tried.
class ThreadChoice {
 public:
  explicit ThreadChoice(int most = 1) : most_(most) {}

  // The next slice, on one thread or on `most`.
  Slice next(int most) {
    if (most != most_) *this = ThreadChoice(most);
    if (!together_) return {1, std::clamp(wait_ - since_together_, trial, slice)};
    if (since_alone_ > look_after_) return {1, trial};
    return {most_, slice, alone_, lead_ + patience};
  }

  void took(const Slice& used, const Pace& pace) {
    if (pace.rows <= 0) return;
    if (used.threads == 1)
      ran_alone(pace);
    else
      ran_together(pace);
  }

 private:
  static constexpr double slice = 0.01, trial = 0.002, patience = 0.0005, most_lead = 0.004;
  static constexpr double first_wait = 0.03, longest_wait = 1, wait_per_loss = 30, look_after = 0.25;
  static constexpr double trials_apart = 100, own_core = 0.8;

  void ran_alone(const Pace& pace) {
    alone_ = pace.computing / pace.rows;
    since_alone_ = 0;
    look_after_ = std::max(look_after, trials_apart * pace.seconds);
    since_together_ += pace.computing;
    if (together_ || since_together_ < wait_ || pace.computing < own_core * pace.seconds) return;
    together_ = true;
    lead_ = gained_ = used_together_ = 0;
  }

  void ran_together(const Pace& pace) {
    since_alone_ += pace.seconds;
    used_together_ += pace.seconds;
    const double gain = alone_ * pace.rows - pace.seconds;
    gained_ += gain;
    lead_ = std::min(lead_ + gain, most_lead);
    if (lead_ > -patience) return;
    together_ = false;
    since_together_ = 0;
    wait_ = used_together_ < wait_ ? 2 * wait_ : first_wait;
    wait_ = std::min(std::max(wait_, -wait_per_loss * gained_), longest_wait);
  }

  int most_;
  bool together_ = false;
  double alone_ = 0;        // seconds a row on one thread
  double since_alone_ = 0;  // seconds since that was measured
  double look_after_ = look_after;
  double lead_ = 0;            // seconds won over one thread, as far as they count
  double gained_ = 0;          // all of them, of the present use of all threads
  double used_together_ = 0;   // seconds of that use
  double since_together_ = 0;  // seconds computed since then
  double wait_ = 0;            // seconds until they are used again
};

}  // namespace descend
