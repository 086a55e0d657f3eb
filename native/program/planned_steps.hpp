// The steps of a plan, made in one slice of time or several.
#pragma once

#include <algorithm>
#include <chrono>

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

  // Steps for so long, at least one; a plan is made in one slice or several.
  void begin_slice(double seconds) {
    const double now = elapsed();
    slice_end_ = std::min(now + seconds, seconds_);
    measured_from_ = now;
    slice_rows_ = measured_rows_ = 0;
  }
  bool over() const { return over_; }
  bool interrupted() const { return chunk_.stopped == Stopped::interrupted; }
  // Without the slice's first step, in which threads wake up; rows are 0 where there was no other.
  double measured_rows() const { return measured_rows_; }
  double measured_seconds() const { return elapsed() - measured_from_; }

  void next(Step<T>& step) override {
    const long i = static_cast<long>(chunk_.loss.size());
    over_ = i == plan_.steps;
    step.end = over_ || (slice_rows_ > 0 && elapsed() > slice_end_);
    if (step.end && !over_ && slice_end_ == seconds_) {
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
    if (slice_rows_ == 0)
      measured_from_ = elapsed();
    else
      measured_rows_ += static_cast<double>(step.rows.count);
    slice_rows_ += static_cast<double>(step.rows.count);
  }

  void stopped(Stopped why) override {
    chunk_.stopped = why;
    over_ = true;
  }

  double elapsed() const { return std::chrono::duration<double>(Clock::now() - started_).count(); }

 private:
  const Plan& plan_;
  double seconds_;
  Chunk& chunk_;
  long parameters_;
  const Training<T>* training_ = nullptr;
  Clock::time_point started_ = Clock::now();
  double slice_end_ = 0, measured_from_ = 0, slice_rows_ = 0, measured_rows_ = 0;
  bool over_ = false;
};

}  // namespace descend
