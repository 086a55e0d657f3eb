// Arrays aligned to a cache line, zero at first.
#pragma once

#include <cstddef>
#include <cstring>
#include <limits>
#include <memory>
#include <new>

namespace descend {

template <class T>
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(long count) { resize(count); }

  // All values become 0. Throws std::bad_alloc.
  void resize(long count) {
    if (count < 0 ||
        static_cast<std::size_t>(count) > std::numeric_limits<std::ptrdiff_t>::max() / sizeof(T) / 2)
      throw std::bad_alloc();
    const std::size_t bytes = static_cast<std::size_t>(count) * sizeof(T);
    data_.reset(static_cast<T*>(::operator new(bytes + line, std::align_val_t(line))));
    std::memset(static_cast<void*>(data_.get()), 0, bytes + line);
    count_ = count;
  }

  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  long size() const { return count_; }
  T& operator[](long i) { return data_.get()[i]; }
  const T& operator[](long i) const { return data_.get()[i]; }

 private:
  static constexpr std::size_t line = 64;
  struct Release {
    void operator()(T* data) const { ::operator delete(data, std::align_val_t(line)); }
  };
  std::unique_ptr<T, Release> data_;
  long count_ = 0;
};

}  // namespace descend
