// Threads that wait for work asleep and for each other, within a piece of work, by spinning briefly.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <functional>
#include <memory>

namespace descend {

// Lets `threads` callers pass together. Spins for some microseconds, then sleeps.
class Barrier {
 public:
  explicit Barrier(int threads) : threads_(threads) {}
  void wait();

 private:
  int threads_;
  alignas(64) std::atomic<int> arrived_{0};
  alignas(64) std::atomic<int> generation_{0};
};

class Pool {
 public:
  Pool();
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // body(0) on the caller's thread, body(1) … body(threads − 1) on others; returns when all have.
  // Threads are made when first needed; after a fork the child makes its own. body must not throw.
  void run(int threads, const std::function<void(int)>& body);

 private:
  struct Workers;
  Workers& workers(int threads);
  std::unique_ptr<Workers> workers_;
  pid_t owner_ = 0;
};

}  // namespace descend
