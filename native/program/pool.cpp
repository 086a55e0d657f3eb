#include "program/pool.hpp"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <list>
#include <system_error>
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
  enum State : std::uint32_t { idle, asked, working, closing };
  struct Worker {
    alignas(64) std::atomic<std::uint32_t> state{idle};
    std::thread thread;

    bool change(std::uint32_t from, State to) {
      return state.compare_exchange_strong(from, to, std::memory_order_acq_rel);
    }
  };
  std::list<Worker> workers;
  const std::function<void(int)>* body = nullptr;
  alignas(64) std::atomic<int> unfinished{0};

  // Throws std::system_error where the system refuses.
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
    for (;;) {
      worker.state.wait(idle, std::memory_order_acquire);
      if (worker.state.load(std::memory_order_acquire) == closing) return;
      if (!worker.change(asked, working)) continue;  // no longer needed
      (*body)(number);
      worker.state.store(idle, std::memory_order_release);
      if (unfinished.fetch_sub(1, std::memory_order_acq_rel) == 1) unfinished.notify_one();
    }
  }

  static void tell(Worker& worker, State state) {
    worker.state.store(state, std::memory_order_release);
    worker.state.notify_one();
  }

  ~Workers() {
    for (Worker& worker : workers) tell(worker, closing);
    for (Worker& worker : workers) worker.thread.join();
  }
};

Pool::Pool() = default;

Pool::~Pool() {
  // A forked child has the record of the threads but not the threads: nothing to join.
  if (workers_ && owner_ != getpid()) static_cast<void>(workers_.release());
}

int Pool::ready(int wanted) {
  if (wanted == 1) return 1;
  if (!workers_ || owner_ != getpid()) {
    static_cast<void>(workers_.release());
    workers_ = std::make_unique<Workers>();
    refused_ = false;
    owner_ = getpid();
  }
  const auto there = [this] { return static_cast<int>(workers_->workers.size()) + 1; };
  while (!refused_ && there() < wanted) {
    try {
      workers_->add();
    } catch (const std::system_error&) {
      refused_ = true;
    }
  }
  return std::min(there(), wanted);
}

void Pool::begin(int threads, const std::function<void(int)>& body) {
  workers_->body = &body;
  workers_->unfinished.store(threads - 1, std::memory_order_relaxed);
  int called = 1;
  for (auto& worker : workers_->workers)
    if (called++ < threads) Workers::tell(worker, Workers::asked);
}

void Pool::await_workers() {
  const std::atomic<int>& unfinished = workers_->unfinished;
  for (int left; (left = unfinished.load(std::memory_order_acquire)) != 0;) await_change(unfinished, left);
}

void Pool::run(int threads, const std::function<void(int)>& body) {
  if (threads == 1) return body(0);
  begin(threads, body);
  body(0);
  await_workers();
}

void Pool::share(int threads, const std::function<void(int)>& body) {
  if (threads == 1) return body(0);
  begin(threads, body);
  body(0);
  for (auto& worker : workers_->workers)
    if (worker.change(Workers::asked, Workers::idle))
      workers_->unfinished.fetch_sub(1, std::memory_order_acq_rel);
  await_workers();
}

}  // namespace descend
