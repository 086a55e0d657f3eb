// How a long call learns that its caller no longer wants the result.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <utility>

namespace descend {

// Asks the caller at most every 50 ms. `asked` runs on the leading thread only; every thread may look.
class Interruption {
 public:
  explicit Interruption(const std::function<bool()>& wanted) : wanted_(wanted) {}

  // The leading thread's turn to ask.
  bool asked() {
    if (!wanted_ || came_.load(std::memory_order_relaxed)) return came();
    const Clock::time_point now = Clock::now();
    if (now - last_ < std::chrono::milliseconds(50)) return false;
    last_ = now;
    if (wanted_()) came_.store(true, std::memory_order_relaxed);
    return came();
  }
  bool came() const { return came_.load(std::memory_order_relaxed); }

 private:
  using Clock = std::chrono::steady_clock;
  const std::function<bool()>& wanted_;
  Clock::time_point last_ = Clock::now();
  std::atomic<bool> came_{false};
};

}  // namespace descend
