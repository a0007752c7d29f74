// Makes the memory and the threads that the addon asks for run out, one request at a time: preloaded into Node.js.
//   access("/stillvec/fail/N")     from now on, the addon's N-th request for memory fails
//   access("/stillvec/fail/none")  no more; gives 0 when one did fail
//   STILLVEC_TEST_THREADS=N        the addon gets N threads and no more
// A request is the addon's when the first caller that is neither the C nor the C++ library is stillvec.node.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unwind.h>

static atomic_long left;    // requests until one fails; 0: none will
static atomic_int has_failed;
static atomic_long threads;
static __thread int looking;

static _Unwind_Reason_Code look_at(struct _Unwind_Context* context, void* is_addon) {
  Dl_info module;
  if (!dladdr((void*)_Unwind_GetIP(context), &module) || module.dli_fname == NULL) return _URC_END_OF_STACK;
  if (strstr(module.dli_fname, "stillvec.node") != NULL) {
    *(int*)is_addon = 1;
    return _URC_END_OF_STACK;
  }
  const int is_library = strstr(module.dli_fname, "libstdc++") != NULL || strstr(module.dli_fname, "libc.so") != NULL ||
                         strstr(module.dli_fname, "allocations.c.so") != NULL;
  return is_library ? _URC_NO_REASON : _URC_END_OF_STACK;
}

static int from_addon(void) {
  if (looking) return 0;
  looking = 1;
  int is_addon = 0;
  _Unwind_Backtrace(look_at, &is_addon);
  looking = 0;
  return is_addon;
}

static int fails(void) {
  if (atomic_load(&left) == 0 || !from_addon()) return 0;
  if (atomic_fetch_sub(&left, 1) != 1) return 0;
  atomic_store(&has_failed, 1);
  errno = ENOMEM;
  return 1;
}

extern void* __libc_malloc(size_t);
extern void* __libc_calloc(size_t, size_t);
extern void* __libc_realloc(void*, size_t);
extern void* __libc_memalign(size_t, size_t);

void* malloc(size_t size) { return fails() ? NULL : __libc_malloc(size); }
void* calloc(size_t count, size_t size) { return fails() ? NULL : __libc_calloc(count, size); }
void* realloc(void* memory, size_t size) { return fails() ? NULL : __libc_realloc(memory, size); }
void* aligned_alloc(size_t alignment, size_t size) { return fails() ? NULL : __libc_memalign(alignment, size); }
int posix_memalign(void** memory, size_t alignment, size_t size) {
  if (fails()) return ENOMEM;
  *memory = __libc_memalign(alignment, size);
  return *memory == NULL ? ENOMEM : 0;
}

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*run)(void*), void* argument) {
  static int (*create)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  if (create == NULL) *(void**)&create = dlsym(RTLD_NEXT, "pthread_create");
  const char* most = getenv("STILLVEC_TEST_THREADS");
  if (most != NULL && from_addon() && atomic_fetch_add(&threads, 1) >= atol(most)) return EAGAIN;
  return create(thread, attributes, run, argument);
}

int access(const char* path, int mode) {
  static int (*real)(const char*, int);
  static const char prefix[] = "/stillvec/fail/";
  if (strncmp(path, prefix, sizeof prefix - 1) == 0) {
    const long number = atol(path + sizeof prefix - 1);
    atomic_store(&left, number);
    if (number > 0) atomic_store(&has_failed, 0);
    if (number > 0 || atomic_load(&has_failed)) return 0;
    errno = ENOENT;
    return -1;
  }
  if (real == NULL) *(void**)&real = dlsym(RTLD_NEXT, "access");
  return real(path, mode);
}
