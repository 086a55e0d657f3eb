// The loop over steps: rows forward and back split over the batch, then weights split over outputs.
#pragma once

#include <atomic>
#include <limits>
#include <vector>

#include "program/interruption.hpp"
#include "program/program.hpp"

namespace descend {

// One step, prepared before it begins.
template <class T>
struct Step {
  bool end = false;  // there is none: the loop is over
  Rows rows{};
  std::uint32_t number = 0;
  Sums sums;                       // weight and rows known beforehand, loss and correct summed up as it goes
  std::vector<Update<T>> updates;  // one per parameter
};

// Where steps come from and what becomes of them; called on the leading thread only.
template <class T>
class StepPlanner {
 public:
  virtual ~StepPlanner() = default;
  virtual void next(Step<T>& step) = 0;  // sets end after the last one
  virtual void done(const Step<T>& step) = 0;
  virtual void stopped(Stopped why) = 0;  // nonfinite: no update was made; interrupted; the loop ends
};

template <class T>
class Training {
 public:
  // largest : rows of the largest batch.  store_only : leave the weights, keep the gradients.
  // space : made or made larger where it must be.  give_up : asked now and then within long steps.
  Training(Program<T>& program, const Data<T>& data, long largest, bool store_only,
           std::optional<Workspace<T>>& space, const std::function<bool()>& give_up);

  void run(StepPlanner<T>& planner, int threads);

  // Or step by step on the calling thread. `gathered`: the workspace holds this step's rows already.
  void begin(StepPlanner<T>& planner);
  bool advance(StepPlanner<T>& planner, bool gathered);  // false: that was the last one
  double operations() const { return operations_; }      // of the largest step
  // Scales gradients with a larger norm down to this one, before they move a weight; infinite: none.
  void clip(double norm);
  // Sets the weights' sums and the update's scalars of a step whose rows are set.
  void prepare(Step<T>& step, double rate, const double* decay) const;

 private:
  using Ready = typename Program<T>::Ready;

  // A part of the gradient product one thread computes whole.
  struct Item {
    std::size_t layer;
    long panel, last_panel, first, last;
  };
  static bool follows(const Item& before, const Item& item) {
    return before.layer == item.layer && before.panel == item.panel && before.last == item.first;
  }
  void list_items(int threads);
  void share_items(int threads);
  // Makes a step and has the next one planned; false where the loop is over.
  bool make_step(int turn, int thread, int threads, Barrier& barrier, StepPlanner<T>& planner);
  // The rows of a batch's block that a thread reads.
  struct Range {
    long first, last;
  };
  Range rows_of(long count, int thread, int threads) const;
  // body(source, row of the batch, row of the block, rows) for pieces of this thread's rows.
  template <class Body>
  void for_rows(const Step<T>& step, long start, Range range, int thread, const Body& body);
  void read_rows(const Step<T>& step, long start, long count, int thread, int threads);
  void first_product(long count, int thread, int threads);
  void block_forward_and_back(const Step<T>& step, const Source& source, long batch_row, long first,
                              long rows, Ready ready);
  void learn(const Step<T>& step, long start, long count, int thread, bool zeros);
  bool clips() const { return clip_ < std::numeric_limits<double>::infinity(); }
  void measure(std::size_t item, const Backward<T>& back);
  void update_clipped(const Step<T>& step, int thread);
  Backward<T> backward(const Step<T>& step, const Source& rows, long start, long count, std::size_t layer,
                       bool zeros);
  bool given_up(Interruption& interruption, int thread) const;
  Update<T> update(double rate, double decay) const;

  Program<T>& program_;
  const Data<T>& data_;
  std::optional<Workspace<T>>& space_;
  Loss<T> loss_;
  bool store_only_;
  double operations_;  // of a step
  double clip_ = std::numeric_limits<double>::infinity();
  std::vector<double> squares_;  // sum of each item's squared gradients, where they are clipped
  std::vector<Item> items_;
  std::vector<double> cost_;        // of each item
  std::vector<std::size_t> share_;  // thread t has the items share_[t] … share_[t + 1] − 1
  Step<T> steps_[2];
  int turn_ = 0;
  bool gathered_ = false;
  std::atomic<bool> nonfinite_{false};
  bool leaves_out_zeros_;
  bool overflowed_ = false;  // set by the kernels where a weight did: zeros count from now on
  // On the way forward and back, and while weights change: each is read behind one barrier only, where
  // all threads see the same.
  Interruption before_update_, in_update_;
};

}  // namespace descend
