// The prebuilt binary runs wherever Node 20 does (glibc 2.28 and the libstdc++ of GCC 8), whatever system it was built
// on. The headers of newer systems refer to symbols that those do not have. Here are the same functions over what they
// do have: the linker takes them first, and exports.map keeps them inside the addon. When another symbol is missing,
// scripts/check-binary.mjs names it.

#include <condition_variable>
#include <mutex>
#include <new>

#if defined(__GLIBC__) && defined(__GLIBCXX__)

#include <pthread.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

extern "C" {

// glibc 2.32. Whether the process has one thread, so that shared_ptr need not count atomically: Node has many.
extern char __libc_single_threaded;
char __libc_single_threaded = 0;

// glibc 2.33; a macro of the header before.
int fstat(int descriptor, struct stat* status) noexcept {
  return static_cast<int>(syscall(SYS_fstat, descriptor, status));
}
}

namespace std {

// GCC 11.
void __throw_bad_array_new_length() { throw bad_array_new_length(); }

// GCC 12 gave it another version, since it no longer throws.
void condition_variable::wait(unique_lock<mutex>& lock) {
  pthread_cond_wait(native_handle(), lock.mutex()->native_handle());
}

}  // namespace std

#endif
