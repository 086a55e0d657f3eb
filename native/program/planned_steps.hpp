// The steps of a plan, made in one slice of time or several.
#pragma once

#include <time.h>

#include <algorithm>
#include <chrono>

#include "program/thread_choice.hpp"
#include "program/training.hpp"

namespace descend {

template <class T>
class PlannedSteps final : public StepPlanner<T> {
 public:
  using Clock = std::chrono::steady_clock;

  PlannedSteps(const Plan& plan, double seconds, Chunk& chunk, long parameters)
      : plan_(plan), seconds_(seconds), chunk_(chunk), parameters_(parameters) {
    for (auto* column : {&chunk.loss, &chunk.weight, &chunk.rows, &chunk.correct})
      column->reserve(static_cast<std::size_t>(plan.steps));
  }

  void bind(const Training<T>& training) { training_ = &training; }

  // Steps until the slice ends, at least one; a plan is made in one slice or several.
  void begin_slice(const Slice& slice) {
    slice_ = slice;
    slice_start_ = elapsed();
    computed_before_ = thread_seconds();
    slice_end_ = std::min(slice_start_ + slice.seconds, seconds_);
    slice_rows_ = 0;
  }
  bool over() const { return over_; }
  bool interrupted() const { return chunk_.stopped == Stopped::interrupted; }
  // The slice; on one thread without its first step where there were others, for whose memory it may have
  // waited. (That all threads have to wake up is part of what they cost.)
  Pace pace() const {
    const Pace whole = so_far();
    if (slice_.threads > 1 || whole.rows == first_.rows) return whole;
    return {whole.rows - first_.rows, whole.seconds - first_.seconds, whole.computing - first_.computing};
  }

  void next(Step<T>& step) override {
    const long i = static_cast<long>(chunk_.loss.size());
    over_ = i == plan_.steps;
    const double now = elapsed();
    step.end = over_ || (slice_rows_ > 0 && (now > slice_end_ || behind(now)));
    if (step.end && !over_ && now > seconds_) {
      over_ = true;
      chunk_.stopped = Stopped::time;
    }
    if (step.end) return;
    step.number = static_cast<std::uint32_t>(plan_.first_step + i);
    step.rows = plan_.batches.rows(plan_.first_step + i);
    const bool per_step = static_cast<long>(plan_.decay.size()) > parameters_;
    training_->prepare(step, plan_.rate[static_cast<std::size_t>(i)],
                       plan_.decay.data() + (per_step ? i * parameters_ : 0));
  }

  void done(const Step<T>& step) override {
    chunk_.loss.push_back(step.sums.weight > 0 ? step.sums.loss / step.sums.weight : 0.0);
    chunk_.weight.push_back(step.sums.weight);
    chunk_.rows.push_back(step.sums.rows);
    chunk_.correct.push_back(step.sums.correct);
    const bool first = slice_rows_ == 0;
    slice_rows_ += static_cast<double>(step.rows.count);
    if (first) first_ = so_far();
  }

  void stopped(Stopped why) override {
    chunk_.stopped = why;
    over_ = true;
  }

  double elapsed() const { return std::chrono::duration<double>(Clock::now() - started_).count(); }

 private:
  Pace so_far() const { return {slice_rows_, elapsed() - slice_start_, thread_seconds() - computed_before_}; }
  // Seconds for which the calling thread has had a core, since it began.
  static double thread_seconds() {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
  }
  bool behind(double now) const {
    return slice_.row_seconds > 0 && now - slice_start_ > slice_.row_seconds * slice_rows_ + slice_.allowance;
  }

  const Plan& plan_;
  double seconds_;
  Chunk& chunk_;
  long parameters_;
  const Training<T>* training_ = nullptr;
  Clock::time_point started_ = Clock::now();
  Slice slice_;
  Pace first_;  // the slice's first step
  double slice_start_ = 0, slice_end_ = 0, slice_rows_ = 0, computed_before_ = 0;
  bool over_ = false;
};

}  // namespace descend
