#include "program/pool.hpp"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <cstdint>
#include <list>
#include <thread>

namespace descend {
namespace {

constexpr int spins = 4000;  // some ten microseconds

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

// Waits until `word` is no longer `old`.
template <class Integer>
void await_change(const std::atomic<Integer>& word, Integer old) {
  for (int i = 0; i < spins; ++i) {
    if (word.load(std::memory_order_acquire) != old) return;
    relax();
  }
  while (word.load(std::memory_order_acquire) == old) word.wait(old, std::memory_order_acquire);
}

}  // namespace

void Barrier::wait() {
  if (threads_ == 1) return;
  const int generation = generation_.load(std::memory_order_acquire);
  if (arrived_.fetch_add(1, std::memory_order_acq_rel) == threads_ - 1) {
    arrived_.store(0, std::memory_order_relaxed);
    generation_.store(generation + 1, std::memory_order_release);
    generation_.notify_all();
  } else {
    await_change(generation_, generation);
  }
}

// Thread i sleeps on its own word; writing it wakes that thread alone.
struct Pool::Workers {
  struct Worker {
    alignas(64) std::atomic<std::uint32_t> ticket{0};
    std::thread thread;
  };
  std::list<Worker> workers;
  const std::function<void(int)>* body = nullptr;
  alignas(64) std::atomic<int> working{0};
  std::atomic<bool> closing{false};

  void add() {
    const int number = static_cast<int>(workers.size()) + 1;
    Worker& worker = workers.emplace_back();
    // Signals are for the threads that Python knows.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
      worker.thread = std::thread([this, &worker, number] { serve(worker, number); });
    } catch (...) {
      pthread_sigmask(SIG_SETMASK, &before, nullptr);
      workers.pop_back();
      throw;
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }

  void serve(Worker& worker, int number) {
    for (std::uint32_t seen = 0;; ++seen) {
      worker.ticket.wait(seen, std::memory_order_acquire);
      if (closing.load(std::memory_order_acquire)) return;
      (*body)(number);
      if (working.fetch_sub(1, std::memory_order_acq_rel) == 1) working.notify_one();
    }
  }

  static void wake(Worker& worker) {
    worker.ticket.fetch_add(1, std::memory_order_release);
    worker.ticket.notify_one();
  }

  ~Workers() {
    closing.store(true, std::memory_order_release);
    for (Worker& worker : workers) wake(worker);
    for (Worker& worker : workers) worker.thread.join();
  }
};

Pool::Pool() = default;

Pool::~Pool() {
  // A forked child has the record of the threads but not the threads: nothing to join.
  if (workers_ && owner_ != getpid()) static_cast<void>(workers_.release());
}

Pool::Workers& Pool::workers(int threads) {
  if (!workers_ || owner_ != getpid()) {
    static_cast<void>(workers_.release());
    workers_ = std::make_unique<Workers>();
    owner_ = getpid();
  }
  while (static_cast<int>(workers_->workers.size()) < threads - 1) workers_->add();
  return *workers_;
}

void Pool::run(int threads, const std::function<void(int)>& body) {
  if (threads == 1) return body(0);
  Workers& crew = workers(threads);
  crew.body = &body;
  crew.working.store(threads - 1, std::memory_order_relaxed);
  int called = 1;
  for (auto& worker : crew.workers)
    if (called++ < threads) Workers::wake(worker);
  body(0);
  for (int left = crew.working.load(std::memory_order_acquire); left != 0;
       left = crew.working.load(std::memory_order_acquire))
    await_change(crew.working, left);
}

}  // namespace descend
