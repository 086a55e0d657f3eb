// One caller at a time.
#pragma once

#include <atomic>
#include <stdexcept>

namespace descend::binding {

// A second caller used a program that was still running.
struct Busy : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Holds `taken` for as long as it lives; throws Busy where somebody else does.
class Turn {
 public:
  explicit Turn(std::atomic<bool>& taken) : taken_(taken) {
    if (taken.exchange(true, std::memory_order_acquire))
      throw Busy("this program is still running another call");
  }
  ~Turn() { taken_.store(false, std::memory_order_release); }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  std::atomic<bool>& taken_;
};

}  // namespace descend::binding
