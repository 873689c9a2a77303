// What is made when it is first asked for, by any thread.
#pragma once

#include <atomic>
#include <memory>

namespace tconv {

// Two callers may make it at once; what the second made is dropped. No lock, so that a child of
// fork() never finds one held.
template <class V>
class Once {
  public:
    ~Once() { delete made_.load(); }

    template <class Make>
    V& get(const Make& make) {
        if (V* made = made_.load(std::memory_order_acquire)) return *made;
        std::unique_ptr<V> made = make();
        V* before = nullptr;
        if (made_.compare_exchange_strong(before, made.get(), std::memory_order_acq_rel))
            return *made.release();
        return *before;
    }

  private:
    std::atomic<V*> made_{nullptr};
};

}  // namespace tconv
