// The engine's threads: one pool, started once and woken for every forward pass.
//
// Workers first spin, because the next piece of work usually comes within microseconds, then sleep on a condition
// variable, because these machines are shared and a spinning thread may be stealing the CPU it is waiting for.
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "ctensor.h"
#include "internal.h"

/// The number of polls before a waiting thread goes to sleep. A pause takes 40 to 140 cycles, so this is some tens of
/// microseconds: longer than any imbalance between workers, and shorter than the time slice of another process that has
/// taken a worker's CPU.
#define CT_SPIN_POLLS 1500

/// A number that only grows, and threads that wait for it to reach a value.
typedef struct ct_gate {
    _Atomic uint64_t value;
    _Atomic int32_t sleepers;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
} ct_gate;

struct ct_pool {
    int32_t threads;
    int32_t started;
    pthread_t *handles;
    ct_pool_function function;
    void *context;
    _Atomic bool stopping;
    ct_gate run;               // one step for each ct_pool_run
    _Atomic int32_t arrived;   // workers at the current barrier
    ct_gate barrier;           // one step for each completed barrier
};

typedef struct ct_worker_start {
    ct_pool *pool;
    int32_t index;
} ct_worker_start;

static void ct_gate_initialize(ct_gate *gate) {
    atomic_init(&gate->value, 0);
    atomic_init(&gate->sleepers, 0);
    pthread_mutex_init(&gate->mutex, NULL);
    pthread_cond_init(&gate->changed, NULL);
}

static void ct_gate_destroy(ct_gate *gate) {
    pthread_mutex_destroy(&gate->mutex);
    pthread_cond_destroy(&gate->changed);
}

static void ct_gate_step(ct_gate *gate) {
    // Sequentially consistent with the sleeper's count and re-check: either the sleeper sees the step, or we see the
    // sleeper.
    atomic_fetch_add(&gate->value, 1);
    if (atomic_load(&gate->sleepers) > 0) {
        pthread_mutex_lock(&gate->mutex);
        pthread_cond_broadcast(&gate->changed);
        pthread_mutex_unlock(&gate->mutex);
    }
}

static void ct_gate_wait_beyond(ct_gate *gate, uint64_t seen) {
    for (int32_t poll = 0; poll < CT_SPIN_POLLS; poll++) {
        if (atomic_load_explicit(&gate->value, memory_order_acquire) != seen) return;
        ct_pause();
    }
    pthread_mutex_lock(&gate->mutex);
    atomic_fetch_add(&gate->sleepers, 1);
    while (atomic_load(&gate->value) == seen) pthread_cond_wait(&gate->changed, &gate->mutex);
    atomic_fetch_sub(&gate->sleepers, 1);
    pthread_mutex_unlock(&gate->mutex);
}

void ct_pool_barrier(ct_pool *pool) {
    if (pool->threads == 1) return;
    uint64_t seen = atomic_load_explicit(&pool->barrier.value, memory_order_acquire);
    if (atomic_fetch_add_explicit(&pool->arrived, 1, memory_order_acq_rel) == pool->threads - 1) {
        atomic_store_explicit(&pool->arrived, 0, memory_order_relaxed);
        ct_gate_step(&pool->barrier);
    } else {
        ct_gate_wait_beyond(&pool->barrier, seen);
    }
}

static void *ct_worker_main(void *argument) {
    ct_worker_start start = *(ct_worker_start *)argument;
    free(argument);
    uint64_t seen = 0;
    for (;;) {
        ct_gate_wait_beyond(&start.pool->run, seen);
        seen++;
        if (atomic_load(&start.pool->stopping)) return NULL;
        start.pool->function(start.pool->context, start.index, start.pool->threads);
        ct_pool_barrier(start.pool);
    }
}

void ct_pool_run(ct_pool *pool, ct_pool_function function, void *context) {
    pool->function = function;
    pool->context = context;
    if (pool->threads > 1) ct_gate_step(&pool->run);
    function(context, 0, pool->threads);
    ct_pool_barrier(pool);
}

void ct_pool_destroy(ct_pool *pool) {
    if (!pool) return;
    atomic_store(&pool->stopping, true);
    ct_gate_step(&pool->run);
    for (int32_t i = 0; i < pool->started; i++) pthread_join(pool->handles[i], NULL);
    ct_gate_destroy(&pool->run);
    ct_gate_destroy(&pool->barrier);
    free(pool->handles);
    free(pool);
}

ct_pool *ct_pool_create(int32_t threads) {
    if (threads < 1) return NULL;
    ct_pool *pool = calloc(1, sizeof *pool);
    if (!pool) return NULL;
    pool->threads = threads;
    ct_gate_initialize(&pool->run);
    ct_gate_initialize(&pool->barrier);
    pool->handles = calloc((size_t)threads, sizeof *pool->handles);
    bool complete = pool->handles != NULL;
    while (complete && pool->started < threads - 1) {
        ct_worker_start *start = malloc(sizeof *start);
        if (start) *start = (ct_worker_start){.pool = pool, .index = pool->started + 1};
        complete = start && pthread_create(&pool->handles[pool->started], NULL, ct_worker_main, start) == 0;
        if (complete) {
            pool->started++;
        } else {
            free(start);
        }
    }
    if (!complete) {
        ct_pool_destroy(pool);
        return NULL;
    }
    return pool;
}

int32_t ct_pool_threads(const ct_pool *pool) { return pool->threads; }

int32_t ct_cpu_count(void) {
#if defined(__linux__)
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) {
        int count = CPU_COUNT(&set);
        if (count > 0) return (int32_t)count;
    }
#endif
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (int32_t)online : 1;
}
