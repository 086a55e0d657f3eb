// Where a training's steps come from: a plan, or a single gradient.
#include <algorithm>
#include <chrono>

#include "program/training.hpp"

namespace descend {
namespace {

constexpr double chosen_below = 1e9;  // operations of a step; barriers are nothing to longer ones

// The steps of a plan.
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
    slice_begun_ = now;
    slice_rows_ = 0;
  }
  bool over() const { return over_; }
  double slice_rows() const { return slice_rows_; }
  double slice_seconds() const { return elapsed() - slice_begun_; }

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
  double slice_end_ = 0, slice_begun_ = 0, slice_rows_ = 0;
  bool over_ = false;
};

// One step at rate 0 whose gradient is wanted.
template <class T>
class SingleStep final : public StepPlanner<T> {
 public:
  SingleStep(Rows rows, std::uint32_t number, long parameters)
      : rows_(rows), number_(number), decay_(static_cast<std::size_t>(parameters)) {}

  void bind(const Training<T>& training) { training_ = &training; }

  void next(Step<T>& step) override {
    step.end = made_;
    made_ = true;
    if (step.end) return;
    step.number = number_;
    step.rows = rows_;
    training_->prepare(step, 0.0, decay_.data());
  }

  void done(const Step<T>& step) override { sums = step.sums; }
  void stopped(Stopped) override { sums.reset(); }

  std::optional<Sums> sums = Sums{};

 private:
  Rows rows_;
  std::uint32_t number_;
  std::vector<double> decay_;
  const Training<T>* training_ = nullptr;
  bool made_ = false;
};

}  // namespace

template <class T>
Chunk Program<T>::run(const Data<T>& data, const Plan& plan, double seconds) {
  Chunk chunk;
  PlannedSteps<T> steps(plan, seconds, chunk, weights_.parameters());
  Training<T> training(*this, data, plan.batches.largest(), false);
  steps.bind(training);
  const int most = useful_threads(training.operations());
  const bool choosing = most > 1 && training.operations() < chosen_below;
  do {
    const int threads = choosing ? thread_choice_.next(most) : most;
    steps.begin_slice(choosing ? thread_choice_.slice_seconds() : seconds);
    training.run(steps, threads);
    if (choosing) thread_choice_.took(steps.slice_rows(), steps.slice_seconds());
  } while (!steps.over());
  chunk.seconds = steps.elapsed();
  return chunk;
}

template <class T>
std::optional<double> Program<T>::gradient(const Data<T>& data, std::span<const std::uint32_t> rows,
                                           std::uint32_t step) {
  SingleStep<T> steps({rows.data(), static_cast<long>(rows.size()), 0}, step, weights_.parameters());
  Training<T> training(*this, data, static_cast<long>(rows.size()), true);
  steps.bind(training);
  training.run(steps, useful_threads(training.operations()));
  if (!steps.sums) return std::nullopt;
  if (steps.sums->weight > 0) return steps.sums->loss / steps.sums->weight;
  weights_.clear_gradients();
  return 0.0;
}

template Chunk Program<float>::run(const Data<float>&, const Plan&, double);
template Chunk Program<double>::run(const Data<double>&, const Plan&, double);
template std::optional<double> Program<float>::gradient(const Data<float>&, std::span<const std::uint32_t>,
                                                        std::uint32_t);
template std::optional<double> Program<double>::gradient(const Data<double>&, std::span<const std::uint32_t>,
                                                         std::uint32_t);

}  // namespace descend
