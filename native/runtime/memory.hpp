// Memory of packed weights and workspaces.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "api.hpp"

namespace tconv {

// Aligned to a cache line, left as it comes; throws OutOfMemory. Large memory is made of huge pages,
// in fewer faults.
void* allocate(size_t bytes);
void release(void* memory);

// Memory of one owner.
template <class T>
class Buffer {
  public:
    Buffer() = default;
    explicit Buffer(int64_t size) { grow(size); }
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;
    Buffer(Buffer&& other) noexcept : data_(other.data_), size_(other.size_) {
        other.data_ = nullptr;
        other.size_ = 0;
    }
    ~Buffer() { release(data_); }

    // What was in it is lost where it is too small.
    T* grow(int64_t size) {
        if (size > size_) {
            release(data_);
            data_ = nullptr;
            size_ = 0;
            data_ = static_cast<T*>(allocate(static_cast<size_t>(size) * sizeof(T)));
            size_ = size;
        }
        return data_;
    }
    T* data() const { return data_; }

  private:
    T* data_ = nullptr;
    int64_t size_ = 0;
};

// A thread's working memory: what is taken stays where it is until the frame ends, whose end gives it
// all back. Frames nest, as calls do; the memory is kept for the next task.
class Scratch {
  public:
    Scratch();
    ~Scratch();
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;

    // So many values, aligned to a cache line, left as they come.
    template <class T>
    T* take(int64_t count) {
        return static_cast<T*>(take_bytes(static_cast<size_t>(count) * sizeof(T)));
    }

  private:
    void* take_bytes(size_t bytes);
    size_t block_, used_;  // where the thread's memory stood when the frame began
};

}  // namespace tconv
