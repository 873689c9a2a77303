#include "runtime/kept_weights.hpp"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "runtime/memory.hpp"
#include "runtime/same_bytes.hpp"

namespace tconv::kept {
namespace {

constexpr int64_t default_bytes = 1 << 30;  // what all that is kept may take
constexpr int64_t copies = 3;          // the weights as they were, and packed by one or two algorithms
constexpr uint64_t worth_keeping = 3;  // times that weights must be met; training meets them once
constexpr uint64_t stale = 512;        // questions after which weights not met may go

// As TCONV_WEIGHT_CACHE says it, which also limits what is kept for PyTorch.
int64_t most_bytes() {
    static const int64_t most = [] {
        const char* value = std::getenv("TCONV_WEIGHT_CACHE");
        return value && *value ? std::strtoll(value, nullptr, 10) : default_bytes;
    }();
    return most;
}

struct Key {
    const Target* target;
    Role role;
    Layer layer;
    size_t width;
};

bool same(const Axis& a, const Axis& b) {
    return a.kernel == b.kernel && a.stride == b.stride && a.dilation == b.dilation;
}

bool same(const Key& a, const Key& b) {
    const Layer &m = a.layer, &n = b.layer;
    return a.target == b.target && a.role == b.role && a.width == b.width &&
           m.groups == n.groups && m.in_channels == n.in_channels &&
           m.out_channels == n.out_channels &&
           std::equal(m.axes, m.axes + 3, n.axes,
                      [](const Axis& one, const Axis& other) { return same(one, other); }) &&
           m.activation == n.activation && m.alpha == n.alpha && m.layout == n.layout &&
           m.method == n.method && m.once == n.once && m.direct == n.direct;
}

int64_t count_of(const Layer& layer) {
    int64_t count = layer.in_channels / layer.groups * layer.out_channels;
    for (const Axis& axis : layer.axes) count *= axis.kernel;
    return count;
}

// A few of the weights, and the layer; a hint where to look and no more.
template <class T>
uint64_t digest(const Key& key, const T* weight, int64_t count) {
    constexpr int64_t samples = 64;
    uint64_t h = 14695981039346656037u;
    const auto add = [&](uint64_t v) {
        h = (h ^ v) * 0x9e3779b97f4a7c15u;
        h ^= h >> 29;
    };
    const Layer& layer = key.layer;
    add(reinterpret_cast<uintptr_t>(key.target));
    add(static_cast<uint64_t>(key.role) << 8 | sizeof(T) << 1 | layer.direct);
    for (const int64_t v : {layer.groups, layer.in_channels, layer.out_channels})
        add(static_cast<uint64_t>(v));
    for (const Axis& axis : layer.axes)
        for (const int64_t v : {axis.kernel, axis.stride, axis.dilation})
            add(static_cast<uint64_t>(v));
    const int64_t taken = std::min(count, samples);
    for (int64_t i = 0; i < taken; ++i) {
        uint64_t bits = 0;
        const int64_t at = taken > 1 ? (count - 1) / (taken - 1) * i : 0;
        std::memcpy(&bits, weight + at, sizeof(T));
        add(bits);
    }
    return h;
}

struct Entry {
    virtual ~Entry() = default;
    Key key{};
    int64_t bytes = 0;
    std::atomic<uint64_t> met{0};
};

template <class T>
struct EntryOf final : Entry {
    Buffer<T> weight;
    std::unique_ptr<Packed<T>> packed;  // goes before the weight, which it reads
};

template <class T>
std::unique_ptr<Packed<T>> pack(const Key& key, const T* weight) {
    if constexpr (sizeof(T) == sizeof(float)) {
        if (key.role == Role::convolution)
            return key.target->adjoint_f32(key.layer, weight, nullptr);
        return key.target->plan_f32(key.layer, weight, nullptr);
    } else {
        if (key.role == Role::convolution)
            return key.target->adjoint_f64(key.layer, weight, nullptr);
        return key.target->plan_f64(key.layer, weight, nullptr);
    }
}

// How often weights were met, by their digest: short of those that share a place with later ones.
class Meetings {
  public:
    uint64_t count(uint64_t digest) {
        std::atomic<uint64_t>& place = places_[digest % places];
        const uint64_t before = place.load(std::memory_order_relaxed);
        uint64_t times = (before ^ digest) & ~mask ? 1 : (before & mask) + 1;
        times = std::min(times, mask);
        place.store((digest & ~mask) | times, std::memory_order_relaxed);
        return times;
    }

    void forget(uint64_t digest) {
        places_[digest % places].store(0, std::memory_order_relaxed);
    }

  private:
    static constexpr uint64_t places = 1021, mask = 3;
    std::atomic<uint64_t> places_[places] = {};
};

class Table {
  public:
    std::shared_ptr<Entry> find(uint64_t digest) {
        const uint64_t now = now_.fetch_add(1, std::memory_order_relaxed);
        Lock lock(mutex_);
        if (!lock) return nullptr;
        const auto found = entries_.find(digest);
        if (found == entries_.end()) return nullptr;
        found->second->met.store(now, std::memory_order_relaxed);
        return found->second;
    }

    // Whether there is room, if need be that of weights not met for long.
    bool has_room(int64_t bytes) {
        Lock lock(mutex_);
        return lock && make_room(bytes);
    }

    void keep(uint64_t digest, std::shared_ptr<Entry> entry) {
        std::shared_ptr<Entry> before;  // goes once the lock is free
        Lock lock(mutex_);
        if (!lock || !make_room(entry->bytes)) return;
        entry->met.store(now_.load(std::memory_order_relaxed), std::memory_order_relaxed);
        bytes_ += entry->bytes;
        std::shared_ptr<Entry>& place = entries_[digest];
        if (place) bytes_ -= place->bytes;
        before = std::exchange(place, std::move(entry));
    }

    Held held() {
        Lock lock(mutex_);
        return lock ? Held{static_cast<int64_t>(entries_.size()), bytes_} : Held{};
    }

    void forget() {
        std::unordered_map<uint64_t, std::shared_ptr<Entry>> all;
        Lock lock(mutex_);
        if (!lock) return;
        all.swap(entries_);
        bytes_ = 0;
    }

  private:
    // Gives up after a while: a child of fork() may find the lock held by a thread it has not got.
    class Lock {
      public:
        explicit Lock(std::mutex& mutex) : lock_(mutex, std::defer_lock) {
            for (int i = 0; i < 10000 && !lock_.try_lock(); ++i) std::this_thread::yield();
        }
        explicit operator bool() const { return lock_.owns_lock(); }

      private:
        std::unique_lock<std::mutex> lock_;
    };

    bool make_room(int64_t bytes) {
        const uint64_t now = now_.load(std::memory_order_relaxed);
        while (bytes_ + bytes > most_bytes()) {
            auto oldest = entries_.end();
            for (auto one = entries_.begin(); one != entries_.end(); ++one)
                if (oldest == entries_.end() || one->second->met < oldest->second->met) oldest = one;
            if (oldest == entries_.end() || now - oldest->second->met < stale) return false;
            bytes_ -= oldest->second->bytes;
            entries_.erase(oldest);
        }
        return true;
    }

    std::mutex mutex_;
    std::unordered_map<uint64_t, std::shared_ptr<Entry>> entries_;  // by digest
    int64_t bytes_ = 0;
    std::atomic<uint64_t> now_{stale};
};

// Never destroyed: threads of XLA may outlive every static object.
Table& table() {
    static Table* const made = new Table;
    return *made;
}

Meetings& meetings() {
    static Meetings* const made = new Meetings;
    return *made;
}

}  // namespace

template <class T>
std::shared_ptr<const Packed<T>> packed(const Target& target, Role role, const Layer& layer,
                                        const T* weight) {
    const Key key{&target, role, layer, sizeof(T)};
    const int64_t count = count_of(layer), bytes = count * static_cast<int64_t>(sizeof(T));
    const uint64_t place = digest(key, weight, count);
    if (const std::shared_ptr<Entry> found = table().find(place)) {
        if (same(found->key, key)) {
            const auto known = std::static_pointer_cast<EntryOf<T>>(found);
            if (same_bytes(known->weight.data(), weight, bytes)) return {known, known->packed.get()};
        }
        meetings().forget(place);  // weights that change where the digest does not look
    }
    if (meetings().count(place) < worth_keeping || !table().has_room(copies * bytes)) return nullptr;
    const auto made = std::make_shared<EntryOf<T>>();
    made->key = key;
    made->bytes = copies * bytes;
    std::copy_n(weight, count, made->weight.grow(count));
    made->packed = pack(key, static_cast<const T*>(made->weight.data()));
    table().keep(place, made);
    return {made, made->packed.get()};
}

template std::shared_ptr<const Packed<float>> packed(const Target&, Role, const Layer&,
                                                     const float*);
template std::shared_ptr<const Packed<double>> packed(const Target&, Role, const Layer&,
                                                      const double*);

Held held() { return table().held(); }
void forget() { table().forget(); }

}  // namespace tconv::kept
