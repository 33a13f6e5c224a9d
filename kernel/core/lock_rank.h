// The order in which locks are taken, outermost first. Whoever holds a lock may take only locks of
// a higher number (`_nested` variants may take a second one of the same rank, by rising address or
// by another rule that the caller states). Debug builds check it at run time (core/lock_check.c).
//
// Add a rank where it belongs and say in a few words what it guards.
#pragma once

enum lock_rank {
	LOCK_UNRANKED = 0, // not checked for order: avoid

	// Sleeping locks: mutexes and rwsems
	LOCK_CRED_GUARD,    // process: one exec at a time
	LOCK_EXEC,          // process: exec against ptrace attach and /proc access
	LOCK_TTY_LIST,      // terminals: open, close, hang-up
	LOCK_EPOLL_TREE,    // epoll: nesting of epolls
	LOCK_EPOLL,         // epoll: its set
	LOCK_FILE_POS,      // fs: file position
	LOCK_MOUNTS,        // fs: mount tree
	LOCK_SB_RENAME,     // fs: cross-directory rename, one a superblock
	LOCK_SB_UMOUNT,     // fs: superblock life
	LOCK_INODE_DIR,     // fs: directory inode
	LOCK_INODE,         // fs: inode contents
	LOCK_CGROUP_TREE,   // cgroup hierarchy and membership
	LOCK_PIPE,          // fs: pipe buffer
	LOCK_SOCKET,        // net: socket
	LOCK_IPC,           // ipc: SysV object table
	LOCK_TTY_IO,        // terminal: one reader, one writer
	LOCK_TTY,           // terminal line discipline
	LOCK_MM_MAP,        // mm: areas of an address space (map lock)
	LOCK_MAPPING,       // mm: page cache object: truncation against fault
	LOCK_MAPPING_VMAS,  // mm: areas that map an object
	LOCK_ANON,          // mm: reverse map of anonymous pages
	LOCK_MODULE,        // any leaf mutex of a driver or a small table
	LOCK_RECLAIM,       // mm: shrinkers
	LOCK_SLAB_LIST,     // mm: list of slab caches
	LOCK_SLEEPING_LAST, // the last sleeping lock: mutexes that nothing nests in

	// Spinlocks
	LOCK_SPIN_FIRST = 64,
	LOCK_FILE_ASYNC = LOCK_SPIN_FIRST, // fs: files that ask for signals
	LOCK_TASKLIST,                     // tasklist_lock (rwlock)
	LOCK_CGROUP,                       // cgroup membership lists
	LOCK_TASK_ALLOC,                   // task.alloc_lock
	LOCK_TTY_SPIN,                     // terminal: foreground group, flags
	LOCK_POSIX_TIMER_STATE,            // one timer_create() timer: it sends signals
	LOCK_SIGHAND,                      // signal handlers and pending signals
	LOCK_PROCESS_STATS,                // usage of processes
	LOCK_PID,                          // pid tables
	LOCK_NS,                           // namespaces' own fields
	LOCK_USER_COUNTS,                  // counts of a user, which interrupts change too
	LOCK_FILES,                        // descriptor tables
	LOCK_FS_CONTEXT,                   // root, cwd, umask
	LOCK_MOUNT_HASH,                   // fs: mount lookup
	LOCK_SB_INODES,                    // fs: inode lists and hash
	LOCK_INODE_SPIN,                   // fs: inode fields
	LOCK_DCACHE,                       // fs: dentry hash, lru and tree
	LOCK_DENTRY,                       // fs: one dentry
	LOCK_FILE_SPIN,                    // fs: file flags, owner
	LOCK_FILE_LOCKS,                   // fs: advisory locks
	LOCK_IPC_SPIN,                     // ipc: one object
	LOCK_NET,                          // net: tables
	LOCK_SOCKET_SPIN,                  // net: queues of one socket
	LOCK_MM_LIST,                      // mm: lists of address spaces
	LOCK_PAGE_TABLE,                   // mm: page tables of one address space
	LOCK_SHARED_TABLE,                 // mm: one shared page table
	LOCK_MAPPING_TREE,                 // mm: index of a page cache object
	LOCK_LRU,                          // mm: page lists
	LOCK_FUTEX,                        // futex hash bucket
	LOCK_POSIX_TIMER,                  // timers of a process; timerfds
	LOCK_DEVICE,                       // driver state, interrupt handlers
	LOCK_WORK,                         // work queues
	LOCK_SLEEPER,                      // the inside of mutex, rwsem and completion
	LOCK_WAIT_QUEUE,                   // wait queues
	LOCK_EPOLL_READY,                  // epoll ready list, taken by wake-up functions
	LOCK_WAIT_QUEUE_INNER,             // wait queues woken from the wake-up functions of others
	LOCK_PI_GRAPH,                     // who waits for whom: priority inheritance
	LOCK_PI,                           // task.pi_lock
	LOCK_RUN_QUEUE,                    // scheduler (two: by hart index)
	LOCK_RT_BANDWIDTH,                 // scheduler: real-time share
	LOCK_SLAB,                         // slab: a cache's lists
	LOCK_VMAP,                         // vmap space
	LOCK_BUDDY,                        // page allocator
	LOCK_MEMBLOCK,                     // boot memory
	LOCK_KERNEL_MAP,                   // kernel page tables
	LOCK_RCU,                          // grace periods
	LOCK_IPI,                          // cross-hart calls
	LOCK_REALTIME_TIMERS,              // timers that follow the real-time clock
	LOCK_TIMER,                        // timer queue of a hart
	LOCK_CLOCK,                        // time keeping
	LOCK_RANDOM,                       // random pool
	LOCK_IRQ,                          // interrupt controller tables
	LOCK_LEAF,                         // any lock under which nothing is taken
	LOCK_CONSOLE,                      // output devices
	LOCK_LOG,                          // log ring
	LOCK_RANKS,
};
