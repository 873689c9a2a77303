// Every target and method over random layers, and the way back through them, judged by plain
// loops. Built with sanitizers, which catch what reads or writes beyond its arrays; memory that was
// never written is NaN by ASAN_OPTIONS=malloc_fill_byte=255, so that what is made of it shows.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <map>

#include "runtime/cpu.hpp"
#include "layers.hpp"
#include "problem/gradient_definition.hpp"

using namespace tconv;
using namespace tconv::test;

namespace {

std::map<std::string, int> done;  // layers by target, precision and method

[[noreturn]] void fail(const std::string& where, const std::string& what, const Case& given) {
    std::fprintf(stderr, "%s: %s\n%s\n", where.c_str(), what.c_str(), given.words().c_str());
    std::exit(1);
}

bool sound(const Cost& cost) {
    for (const double one : {cost.products, cost.others, cost.bytes, cost.packing})
        if (!(one >= 0) || std::isinf(one)) return false;
    return cost.tasks >= 0;
}

void check_estimate(const Estimate& estimate, const std::string& where, const Case& given) {
    if (estimate.unsupported_reason) return;
    if (!sound(estimate.cost) || !(estimate.operations >= 0) || std::isinf(estimate.operations))
        fail(where, "a cost that is none", given);
}

// What a plan promises of sizes that no test has the time or the memory for.
template <class T>
void foresee(const Target& target, const Plan<T>& plan, const Case& given, const std::string& where,
             Random& random) {
    Case vast = given;
    for (int64_t cells = random(1, int64_t{1} << 36); cells > 1; cells /= 8) {
        const int64_t a = random(0, 2), size = std::min<int64_t>(cells, random(1, 1 << 20));
        vast.shape.input[a] = size;
        vast.shape.crop[a] = random(-9, 9);
        vast.shape.output[a] = std::max<int64_t>(1, vast.full(a) + random(-20, 9));
    }
    vast.shape.batch = random(0, 3);
    for (Method m = 1; m <= methods_of(target); ++m)
        check_estimate(plan.estimate(m, vast.shape, 5), where, vast);
    plan.choose(vast.shape);
}

// Computes what is expected with 1, 2 and 5 threads: right, and the same to the bit.
template <class T, class F>
void compare(const Exact<T>& expected, const Case& given, double rounding,
             const std::string& where, Random& random, F compute) {
    Exact<T> first;
    for (const int threads : {1, 2, 5}) {
        Exact<T> made(expected.size(), random);
        made.fill(std::numeric_limits<T>::quiet_NaN());
        std::thread([&] { compute(made.data(), threads); }).join();
        const std::string wrong = difference(made, expected, rounding);
        if (!wrong.empty()) fail(where + ", threads " + std::to_string(threads), wrong, given);
        if (!first.data())
            first = std::move(made);
        else if (std::memcmp(first.data(), made.data(), made.size() * sizeof(T)) != 0)
            fail(where, "other bits with " + std::to_string(threads) + " threads", given);
    }
    ++done[where];
}

template <class T>
void run(const Plan<T>& plan, const Case& given, const Arrays<T>& arrays, double rounding,
         const std::string& where, Random& random) {
    compare(arrays.expected, given, rounding, where, random, [&](T* y, int threads) {
        plan.run(given.shape, arrays.x.data(), y, threads, fresh_threads(threads));
    });
}

template <class T>
std::string named(const Target& target) {
    return std::string(target.name) + (sizeof(T) == 4 ? " float" : " double");
}

template <class T>
void forward(const Target& target, const Case& given, const Arrays<T>& arrays, Random& random) {
    const std::string name = named<T>(target);
    const auto chosen = plan(target, given.layer, arrays);
    bool any = false;
    for (Method method = 1; method <= methods_of(target); ++method) {
        const std::string where = name + ' ' + target.algorithms[static_cast<size_t>(method - 1)].name;
        const Estimate estimate = chosen->estimate(method, given.shape, 2);
        const char* const reason = estimate.unsupported_reason;
        check_estimate(estimate, where, given);
        if (!reason || !std::strstr(reason, "not compiled")) done[where];
        Layer layer = given.layer;
        layer.method = method;
        try {
            const auto forced = plan(target, layer, arrays);
            if (reason) fail(where, "not supported, and yet it runs", given);
            const Method taken = arrays.spoilt_weight ? automatic : method;
            if (forced->choose(given.shape) != taken) fail(where, "not what was asked", given);
            run(*forced, given, arrays, rounding_of(target, method), where, random);
            any = true;
        } catch (const Unsupported& unsupported) {
            if (!reason) fail(where, unsupported.reason, given);
        }
    }
    foresee(target, *chosen, given, name, random);
    if (!any) return;
    const Method taken = chosen->choose(given.shape);
    if ((taken == automatic) != arrays.spoilt_weight) fail(name, "not to be chosen", given);
    if (taken != automatic && chosen->estimate(taken, given.shape, 2).unsupported_reason)
        fail(name, "chosen, but not supported", given);
    run(*chosen, given, arrays, rounding_of(target, taken), name + " automatic", random);
}

// The direct convolution and the weight gradient, which know channels first and no activation.
template <class T>
void backward(const Target& target, const Case& given, const Arrays<T>& arrays,
              const Backward<T>& back, Random& random) {
    const std::string name = named<T>(target);
    const auto convolution = adjoint(target, given.layer, Exact<T>(arrays.weight, random).data(),
                                     Exact<T>(back.bias, random).data());
    compare(back.input, given, 0, name + " adjoint", random,
            [&](T* x, int threads) {
                convolution->run(given.shape, back.y.data(), x, threads, fresh_threads(threads));
            });
    compare(back.weight, given, 0, name + " gradient", random,
            [&](T* weight, int threads) {
                gradient(target, given, arrays.x.data(), back.y.data(), weight,
                         fresh_threads(threads));
            });
}

template <class T>
void judge(Case given, Random& random) {
    const Arrays<T> arrays(given, random);
    for (const Target* target : runnable_targets()) forward(*target, given, arrays, random);
    if (given.layer.layout == Layout::channels_last || arrays.spoilt_weight) return;
    given.layer.activation = Activation::none;
    const Backward<T> back(given, arrays, random);
    compare(back.weight, given, 0, "the gradient's definition", random,
            [&](T* weight, int threads) {
                gradient_by_definition(given.layer, given.shape, arrays.x.data(), back.y.data(),
                                       weight, fresh_threads(threads));
            });
    if (arrays.spoilt_x) return;
    for (const Target* target : runnable_targets())
        backward(*target, given, arrays, back, random);
}

}  // namespace

int main(int count, char** arguments) {
    if (count != 3) {
        std::fprintf(stderr, "usage: random_layers SEED LAYERS\n");
        return 2;
    }
    Random random(std::strtoull(arguments[1], nullptr, 10));
    for (int64_t left = std::atoll(arguments[2]); left > 0; --left) {
        const Case given = draw(random);
        if (random.one_in(2))
            judge<float>(given, random);
        else
            judge<double>(given, random);
    }
    bool all = !done.empty();
    for (const auto& [where, times] : done) {
        std::printf("%-36s %6d\n", where.c_str(), times);
        all = all && times > 0;
    }
    if (!all) std::fprintf(stderr, "an algorithm never ran\n");
    return all ? 0 : 1;
}
