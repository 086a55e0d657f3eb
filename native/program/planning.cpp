// Where a training's steps come from: a plan, or a single gradient.
#include "program/planned_steps.hpp"

namespace descend {
namespace {

// Operations of a step. To a longer one a core that is lost for milliseconds is little.
constexpr double chosen_below = 5e8;

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
  Training<T> training(*this, data, plan.batches.largest(), false, training_space_, give_up);
  training.clip(plan.clip);
  steps.bind(training);
  const int most = pool_.ready(useful_threads(training.operations()));
  const bool choosing = most > 1 && training.operations() < chosen_below;
  do {
    const Slice slice = choosing ? thread_choice_.next(most) : Slice{most, seconds};
    steps.begin_slice(slice);
    training.run(steps, slice.threads);
    if (choosing) thread_choice_.took(slice, steps.pace());
  } while (!steps.over());
  chunk.seconds = steps.elapsed();
  return chunk;
}

template <class T>
std::optional<double> Program<T>::gradient(const Data<T>& data, std::span<const std::uint32_t> rows,
                                           std::uint32_t step) {
  SingleStep<T> steps({rows.data(), static_cast<long>(rows.size()), 0}, step, weights_.parameters());
  Training<T> training(*this, data, static_cast<long>(rows.size()), true, training_space_, give_up);
  steps.bind(training);
  training.run(steps, pool_.ready(useful_threads(training.operations())));
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
