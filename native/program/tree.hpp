// Leaves made by several threads and merged in pairs. Which pairs depends on the number of leaves alone:
// at every level neighbours 2i and 2i + 1 are merged, the right one into the left, and one left over rises.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "program/floating_point.hpp"
#include "program/pool.hpp"

namespace descend {

// Node: movable. Nodes that wait for their neighbour number a few per thread and level of the tree.
template <class Node>
class Tree {
 public:
  // make(leaf, checkpoint) gives a node, merge(left, right, checkpoint) changes the left one; both may throw,
  // and call checkpoint() every few milliseconds: it throws when the work is to be abandoned.
  using Checkpoint = std::function<void()>;
  using Make = std::function<Node(long leaf, const Checkpoint&)>;
  using Merge = std::function<void(Node& left, Node& right, const Checkpoint&)>;

  Tree(Make make, Merge merge) : make_(std::move(make)), merge_(std::move(merge)) {}

  // `poll` is called on the caller's thread now and then; what it throws ends the work.
  Node reduce(long leaves, int threads, const Checkpoint& poll) {
    leaves_ = leaves;
    Pool pool;
    const int used = pool.ready(static_cast<int>(std::min<long>(threads, leaves)));
    pool.share(used, [&](int thread) {
      FloatingPointScope rounding;
      work([&] {
        if (thread == 0) poll();
        if (abandoned_.load(std::memory_order_relaxed)) throw Abandoned{};
      });
      if (thread == 0) await_others(poll);
    });
    if (failure_) std::rethrow_exception(failure_);
    return std::move(*root_);
  }

 private:
  struct Abandoned {};

  void work(const Checkpoint& checkpoint) {
    try {
      for (long leaf = next_++; leaf < leaves_; leaf = next_++) {
        climb(make_(leaf, checkpoint), leaf, checkpoint);
        checkpoint();
      }
    } catch (const Abandoned&) {
    } catch (...) {
      fail(std::current_exception());
    }
  }

  void climb(Node node, long index, const Checkpoint& checkpoint) {
    long width = leaves_;
    for (int level = 0; width > 1; ++level, index /= 2, width = (width + 1) / 2) {
      if ((index ^ 1) >= width) continue;
      std::optional<Node> sibling = meet(level, index, node);
      if (!sibling) return;
      if (index % 2) std::swap(node, *sibling);
      merge_(node, *sibling, checkpoint);
    }
    const std::lock_guard lock(mutex_);
    root_ = std::move(node);
    ended_.notify_all();
  }

  // The neighbour, where it has come already; otherwise the node waits for it.
  std::optional<Node> meet(int level, long index, Node& node) {
    const std::lock_guard lock(mutex_);
    const auto found = waiting_.find({level, index ^ 1});
    if (found == waiting_.end()) {
      waiting_.emplace(std::pair{level, index}, std::move(node));
      return std::nullopt;
    }
    std::optional<Node> sibling = std::move(found->second);
    waiting_.erase(found);
    return sibling;
  }

  void fail(std::exception_ptr failure) {
    const std::lock_guard lock(mutex_);
    if (!failure_) failure_ = std::move(failure);
    abandoned_ = true;
    ended_.notify_all();
  }

  // The caller's thread goes on polling while others finish.
  void await_others(const Checkpoint& poll) {
    std::unique_lock lock(mutex_);
    while (!root_ && !abandoned_) {
      ended_.wait_for(lock, std::chrono::milliseconds(20));
      lock.unlock();
      try {
        poll();
      } catch (...) {
        fail(std::current_exception());
      }
      lock.lock();
    }
  }

  Make make_;
  Merge merge_;
  long leaves_ = 0;
  std::atomic<long> next_{0};
  std::atomic<bool> abandoned_{false};
  std::mutex mutex_;
  std::condition_variable ended_;
  std::map<std::pair<int, long>, Node> waiting_;
  std::optional<Node> root_;
  std::exception_ptr failure_;
};

}  // namespace descend
