// One thread or all of them: which is faster depends on the step and on who else uses the machine.
#pragma once

namespace descend {

// Short steps are run in slices, and each slice tells how fast its number of threads was. What is computed
// does not depend on the choice.
class ThreadChoice {
 public:
  explicit ThreadChoice(int most = 1) : most_(most) {}

  // Threads for the next slice: one or `most`.
  int next(int most) {
    if (most != most_) *this = ThreadChoice(most);
    const int faster = cost_[together] < cost_[alone] ? together : alone;
    trying_ = cost_[together] == 0 || cost_[alone] == 0 || since_trial_ > trial_after;
    if (cost_[together] == 0)
      way_ = together;
    else if (cost_[alone] == 0)
      way_ = alone;
    else
      way_ = trying_ ? 1 - faster : faster;
    return way_ == together ? most_ : 1;
  }

  double slice_seconds() const { return trying_ ? trial : slice; }

  // The slice read so many rows in so many seconds.
  void took(double rows, double seconds) {
    if (rows <= 0) return;
    const double cost = seconds / rows;
    cost_[way_] = trying_ ? cost : (cost_[way_] + cost) / 2;
    since_trial_ = trying_ ? 0 : since_trial_ + seconds;
  }

 private:
  enum { alone, together };
  static constexpr double trial = 0.002, slice = 0.01, trial_after = 0.25;

  int most_, way_ = together;
  double cost_[2] = {0, 0};  // seconds a row; 0 before the first slice
  bool trying_ = true;
  double since_trial_ = 0;
};

}  // namespace descend
