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

  // How many threads there can be, the caller's among them: as many as wanted, or fewer where the system
  // refuses to start more. Threads are made when first wanted; after a fork the child makes its own.
  int ready(int wanted);

  // body(0) on the caller's thread, body(1) … body(threads − 1) on others; returns when all have.
  // threads: no more than ready() said. body must not throw.
  void run(int threads, const std::function<void(int)>& body);

  // The same for work that any of the threads can finish alone: a thread that has not begun by the time that
  // body(0) returns, for something else has its core, is not waited for and does not begin.
  void share(int threads, const std::function<void(int)>& body);

 private:
  struct Workers;
  void begin(int threads, const std::function<void(int)>& body);
  void await_workers();
  std::unique_ptr<Workers> workers_;
  bool refused_ = false;  // the system would not start another thread
  pid_t owner_ = 0;
};

}  // namespace descend
