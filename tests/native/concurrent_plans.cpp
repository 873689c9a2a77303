// Plans first taken, and run, by several threads at once while the number of threads changes; and
// weights that are kept, asked for by several threads at once.
// Built with ThreadSanitizer, which catches what they share without order.
#include <cstdio>
#include <cstdlib>

#include "runtime/cpu.hpp"
#include "runtime/kept_weights.hpp"
#include "layers.hpp"
#include "runtime/pool.hpp"

using namespace tconv;
using namespace tconv::test;

namespace {

constexpr int callers = 4, rounds = 3;

void in_pool(int64_t tasks, const std::function<void(int64_t)>& body) {
    pool::run(tasks, body, [] {});
}

template <class T>
void together(const Target& target, Random& random) {
    Case given = draw(random);
    given.layer.layout = Layout::channels_first;
    const Arrays<T> arrays(given, random);
    const auto shared = plan(target, given.layer, arrays);
    std::vector<Exact<T>> made;
    for (int i = 0; i < callers * rounds; ++i) made.emplace_back(given.outputs(), random);
    std::atomic<int> waiting{callers};
    std::vector<std::thread> crew;
    for (int caller = 0; caller < callers; ++caller)
        crew.emplace_back([&, caller] {
            --waiting;
            while (waiting > 0) std::this_thread::yield();
            for (int round = 0; round < rounds; ++round) {
                pool::set_num_threads(1 + (caller + round) % 4);
                shared->estimate(1, given.shape, pool::num_threads());
                shared->run(given.shape, arrays.x.data(), made[caller * rounds + round].data(),
                            pool::num_threads(), in_pool);
            }
        });
    for (auto& one : crew) one.join();
    const double rounding = rounding_of(target, shared->choose(given.shape));
    for (const auto& one : made) {
        const std::string wrong = difference(one, arrays.expected, rounding);
        if (wrong.empty()) continue;
        std::fprintf(stderr, "%s\n%s\n", wrong.c_str(), given.words().c_str());
        std::exit(1);
    }
}

// Callers bring some weights in turn, now and then others, and are given what was packed for them.
template <class T>
void kept_together(const Target& target, Random& random) {
    Case given = draw(random);
    given.layer.layout = Layout::channels_first;
    given.layer.activation = Activation::none;
    given.layer.once = false;
    constexpr int kinds = 3;
    std::vector<Arrays<T>> arrays;
    std::vector<Exact<T>> expected;
    for (int kind = 0; kind < kinds; ++kind) {
        arrays.emplace_back(given, random);
        arrays.back().bias = {};
        expected.emplace_back(given.outputs(), random);
        plan(target, given.layer, arrays.back())
            ->run(given.shape, arrays[0].x.data(), expected.back().data(), 1, in_pool);
    }
    std::atomic<int> waiting{callers}, served{0};
    std::atomic<bool> wrong{false};
    std::vector<std::thread> crew;
    for (int caller = 0; caller < callers; ++caller)
        crew.emplace_back([&, caller, made = Exact<T>(given.outputs(), random)]() mutable {
            --waiting;
            while (waiting > 0) std::this_thread::yield();
            for (int round = 0; round < 6 * kinds; ++round) {
                const int kind = (caller + round) % kinds;
                if (caller == 0 && round == 9) kept::forget();
                const auto packed = kept::packed(target, kept::Role::transposed, given.layer,
                                                 static_cast<const T*>(arrays[kind].weight.data()));
                if (!packed) continue;
                ++served;
                packed->run(given.shape, arrays[0].x.data(), made.data(), 2, in_pool);
                if (!difference(made, expected[kind], 0).empty()) wrong = true;
            }
        });
    for (auto& one : crew) one.join();
    if (!wrong && served > 0) return;
    std::fprintf(stderr, "kept weights: %d served\n%s\n", served.load(), given.words().c_str());
    std::exit(1);
}

}  // namespace

int main(int count, char** arguments) {
    if (count != 3) {
        std::fprintf(stderr, "usage: concurrent_plans SEED LAYERS\n");
        return 2;
    }
    Random random(std::strtoull(arguments[1], nullptr, 10));
    for (int64_t left = std::atoll(arguments[2]); left > 0; --left)
        for (const Target* target : runnable_targets()) {
            together<float>(*target, random);
            together<double>(*target, random);
            kept_together<float>(*target, random);
            kept_together<double>(*target, random);
        }
}
