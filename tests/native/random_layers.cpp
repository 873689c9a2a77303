// Every target and method over random layers, judged by plain loops. Built with sanitizers, which
// catch what reads or writes beyond its arrays; memory that was never written is NaN by
// ASAN_OPTIONS=malloc_fill_byte=255, so that what is made of it shows.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <map>

#include "cpu.hpp"
#include "layers.hpp"

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

void check_prospect(const Prospect& prospect, const std::string& where, const Case& given) {
    if (prospect.refusal) return;
    if (!sound(prospect.cost) || !(prospect.operations >= 0) || std::isinf(prospect.operations))
        fail(where, "a cost that is none", given);
}

// What a plan promises of sizes that no test has the time or the memory for.
template <class T>
void foresee(const Chosen<T>& plan, const Case& given, const std::string& where, Random& random) {
    Case vast = given;
    for (int64_t cells = random(1, int64_t{1} << 36); cells > 1; cells /= 8) {
        const int64_t a = random(0, 2), size = std::min<int64_t>(cells, random(1, 1 << 20));
        vast.shape.input[a] = size;
        vast.shape.crop[a] = random(-9, 9);
        vast.shape.output[a] = std::max<int64_t>(1, vast.full(a) + random(-20, 9));
    }
    vast.shape.batch = random(0, 3);
    for (int m = 1; m < methods; ++m)
        check_prospect(plan.prospect(static_cast<Method>(m), vast.shape, 5), where, vast);
    plan.choose(vast.shape);
}

template <class T>
void run(const Chosen<T>& plan, const Case& given, const Arrays<T>& arrays, Method method,
         const std::string& where, Random& random) {
    Exact<T> first;
    for (const int threads : {1, 2, 5}) {
        Exact<T> y(given.outputs(), random);
        y.fill(std::numeric_limits<T>::quiet_NaN());
        std::thread([&] {
            plan.run(given.shape, arrays.x.data(), y.data(), threads, fresh_threads(threads));
        }).join();
        const std::string wrong = difference(y, arrays.expected, method);
        if (!wrong.empty()) fail(where + ", threads " + std::to_string(threads), wrong, given);
        if (!first.data())
            first = std::move(y);
        else if (std::memcmp(first.data(), y.data(), y.size() * sizeof(T)) != 0)
            fail(where, "other bits with " + std::to_string(threads) + " threads", given);
    }
    ++done[where];
}

template <class T>
void forward(const Target& target, const Case& given, const Arrays<T>& arrays, Random& random) {
    const std::string name = std::string(target.name) + (sizeof(T) == 4 ? " float" : " double");
    const auto automatic = plan(target, given.layer, arrays);
    bool any = false;
    for (int m = 1; m < methods; ++m) {
        const Method method = static_cast<Method>(m);
        const std::string where = name + " method " + std::to_string(m);
        const Prospect prospect = automatic->prospect(method, given.shape, 2);
        check_prospect(prospect, where, given);
        if (!prospect.refusal || std::strcmp(prospect.refusal, "not compiled") != 0) done[where];
        Layer layer = given.layer;
        layer.method = method;
        try {
            const auto forced = plan(target, layer, arrays);
            if (prospect.refusal) fail(where, "refused, and yet it runs", given);
            if (forced->choose(given.shape) != method) fail(where, "not what was asked", given);
            run(*forced, given, arrays, method, where, random);
            any = true;
        } catch (const Refused& refused) {
            if (!prospect.refusal) fail(where, refused.why, given);
        }
    }
    foresee(*automatic, given, name, random);
    if (!any) return;
    const Method chosen = automatic->choose(given.shape);
    if (automatic->prospect(chosen, given.shape, 2).refusal) fail(name, "chosen, refused", given);
    run(*automatic, given, arrays, chosen, name + " automatic", random);
}

template <class T>
void judge(const Case& given, Random& random) {
    const Arrays<T> arrays(given, random);
    for (const Target* target : runnable_targets()) forward(*target, given, arrays, random);
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
        std::printf("%-28s %6d\n", where.c_str(), times);
        all = all && times > 0;
    }
    if (!all) std::fprintf(stderr, "a method never ran\n");
    return all ? 0 : 1;
}
