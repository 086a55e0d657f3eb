#include "program/together.hpp"

#include <limits>
#include <list>
#include <span>

#include "program/floating_point.hpp"
#include "program/planned_steps.hpp"

namespace descend {

// The members of one thread, which share a workspace and the batches they have in common.
template <class T>
class Crew {
 public:
  Crew(std::span<Member<T>> members, std::span<Chunk> chunks, std::function<bool()> give_up)
      : give_up_(std::move(give_up)) {
    for (std::size_t i = 0; i < members.size(); ++i) {
      Member<T>& member = members[i];
      Batches& batches = batches_of(member);
      Place& place = places_.emplace_back(Plan{member.first_step, member.steps, batches,
                                               std::move(member.rate), std::move(member.decay), member.clip});
      place.steps.emplace(place.plan, endless, chunks[i], member.program.weights_.parameters());
      place.training.emplace(member.program, member.data, batches.largest(), false, space_, give_up_);
      place.training->clip(member.clip);
      place.steps->bind(*place.training);
      gathers_ =
          !member.program.reads_table(member.data.source) && !member.program.network_.layers[0].dropout();
    }
  }

  static Pool& pool(Program<T>& program) { return program.pool_; }

  void begin() {
    for (Place& place : places_) {
      place.steps->begin_slice({1, endless});
      place.training->begin(*place.steps);
    }
  }

  // One step of every member that has one left; false where none has.
  bool round() {
    const Place* before = nullptr;  // whose rows the workspace holds
    bool going = false;
    for (Place& place : places_) {
      if (place.steps->over()) continue;
      const bool same = before && &before->plan.batches == &place.plan.batches &&
                        place.plan.batches.largest() <= space_->rows();
      going |= place.training->advance(*place.steps, gathers_ && same);
      if (place.steps->interrupted()) return false;  // some of its rows may be missing in the workspace
      before = &place;
    }
    return going;
  }

  void out_of_time() {
    for (Place& place : places_)
      if (!place.steps->over()) place.steps->stopped(Stopped::time);
  }

 private:
  static constexpr double endless = std::numeric_limits<double>::infinity();
  // Of members that make the same step at the same time: batches keep the rows of few epochs.
  struct SharedOrder {
    Order order;
    long first_step;
    Batches batches;
  };
  struct Place {
    explicit Place(Plan its_plan) : plan(std::move(its_plan)) {}
    Plan plan;
    std::optional<PlannedSteps<T>> steps;
    std::optional<Training<T>> training;
  };

  Batches& batches_of(const Member<T>& member) {
    for (SharedOrder& shared : orders_)
      if (shared.first_step == member.first_step && shared.order == member.order) return shared.batches;
    Batches batches(member.program.table(), member.order);
    return orders_.emplace_back(SharedOrder{member.order, member.first_step, std::move(batches)}).batches;
  }

  std::function<bool()> give_up_;
  std::optional<Workspace<T>> space_;
  std::list<SharedOrder> orders_;
  std::list<Place> places_;
  bool gathers_ = false;
};

template <class T>
std::vector<Chunk> run_together(std::vector<Member<T>>& members, double seconds, int threads) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point started = Clock::now();
  const auto elapsed = [started] { return std::chrono::duration<double>(Clock::now() - started).count(); };
  std::vector<Chunk> chunks(members.size());
  Program<T>& first = members.front().program;
  Pool& pool = Crew<T>::pool(first);
  threads = pool.ready(threads);
  Interruption interruption(first.give_up);
  const auto given_up = [&interruption](int thread) {
    return thread == 0 ? interruption.asked() : interruption.came();
  };
  std::list<Crew<T>> crews;
  const long count = static_cast<long>(members.size());
  for (int thread = 0; thread < threads; ++thread) {
    const auto from = static_cast<std::size_t>(count * thread / threads);
    const auto own = static_cast<std::size_t>(count * (thread + 1) / threads) - from;
    crews.emplace_back(std::span(members).subspan(from, own), std::span(chunks).subspan(from, own),
                       [&given_up, thread] { return given_up(thread); });
  }
  pool.run(threads, [&](int thread) {
    FloatingPointScope rounding;
    Crew<T>& crew = *std::next(crews.begin(), thread);
    crew.begin();
    while (crew.round() && !given_up(thread))
      if (elapsed() > seconds) return crew.out_of_time();
  });
  for (Chunk& chunk : chunks) {
    chunk.seconds = elapsed();
    if (interruption.came()) chunk.stopped = Stopped::interrupted;
  }
  return chunks;
}

template std::vector<Chunk> run_together(std::vector<Member<float>>&, double, int);
template std::vector<Chunk> run_together(std::vector<Member<double>>&, double, int);

}  // namespace descend
