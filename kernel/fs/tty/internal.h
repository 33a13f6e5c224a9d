// Shared by the files of this folder: the terminal, and the parts that its work is split into.
#pragma once

#include <core/spinlock.h>
#include <core/refcount.h>
#include <fs/async.h>
#include <fs/file.h>
#include <fs/poll.h>
#include <core/errno.h>
#include <sched/mutex.h>
#include <uapi/termios.h>

#define INPUT_SIZE 4096 // of a line, and of all that waits to be read
#define RAW_SIZE   2048
#define ECHO_SIZE  1024

struct tty;

// What the other end of a terminal offers: a serial line, or the master of a pair.
// All with tty->lock held.
struct tty_ops {
	// Takes n bytes, which is not more than room() gave.
	void (*write)(struct tty *tty, const u8 *text, size_t n);
	size_t (*room)(struct tty *tty);
	size_t (*queued)(struct tty *tty);         // bytes that have not yet left
	void (*flush)(struct tty *tty);            // throws these away
	void (*packet)(struct tty *tty, u8 event); // TIOCPKT_* to tell the master; may be NULL
	void (*taken)(struct tty *tty);            // there is room for input again; may be NULL
	void (*termios_changed)(struct tty *tty, const struct termios2 *old);
	void (*last_close)(struct tty *tty); // without locks
	void (*free)(struct tty *tty);
};

// An entry of the ring of received bytes: the byte, or'ed with what the line said of it.
#define RAW_BREAK 0x100
#define RAW_ERROR 0x200 // parity or framing

// Legend: [lock] the mutex; [ctrl] the spinlock; [list] tty_mutex; [I] immutable; [read]
// read_mutex. Offsets only grow; a byte lies at its offset modulo the size.
struct tty {
	struct refcount refs;
	const struct tty_ops *ops; // [I]
	void *driver;              // [I]
	u64 device;                // [I]
	bool is_pty;               // [I]
	u32 opened;                // [list] files
	u32 generation;            // [list] grows at a hang-up: files of before are dead
	bool exclusive;            // [list] TIOCEXCL
	struct mutex read_mutex;   // one reader at a time
	struct mutex write_mutex;  // one writer at a time
	struct mutex lock;
	struct wait_queue read_wait, write_wait;
	struct async_list async; // who wants signals

	struct termios2 termios, locked; // [lock]
	struct winsize winsize;          // [lock]
	u8 input[INPUT_SIZE];            // [lock]
	u8 line_end[INPUT_SIZE / 8];     // [lock] bits: this byte ends a line
	u32 tail, head;                  // [lock] of what is stored
	u32 canon_head;                  // [lock] end of the last complete line
	bool push;                       // [lock] what is there counts as a line though none ends
	bool literal, erasing;           // [lock] after VLNEXT; between the slashes of ECHOPRT
	u32 column, canon_column;        // [lock] of the cursor; where the line being edited starts
	u8 echo[ECHO_SIZE];              // [lock] processed, waits for room
	u32 echo_head, echo_tail;        // [lock]
	bool stopped;                    // [lock] output, by VSTOP
	bool stopped_by_call;            // [lock] output, by TCXONC
	bool other_closed;               // [lock] the master is gone
	bool asked_to_stop;              // [lock] the sender, with IXOFF
	u16 raw[RAW_SIZE];               // received: written by one side, taken out under lock
	u32 raw_in, raw_out;

	struct spinlock ctrl;
	struct pid *session, *pgrp; // [ctrl] counted
};

// What file->private is.
struct tty_file {
	struct tty *tty; // [I] counted
	u32 generation;  // [I]
	bool console;    // [I] by /dev/console: above hang-ups and job control
};

extern struct mutex tty_mutex; // opens, closes, hang-ups
extern const struct file_ops tty_ops;

// --- tty.c ---
// A new terminal with one reference. NULL: no memory.
struct tty *tty_alloc(const struct tty_ops *ops, void *driver, u64 device);
struct tty *tty_get(struct tty *tty);
void tty_put(struct tty *tty);
// Makes `file` one of the terminal's. tty_mutex held. -EBUSY, -ENOMEM.
int tty_attach(struct tty *tty, struct file *file, bool console);
// Ends all files but the console's. `exiting`: because the leader of the session exits.
void tty_hangup(struct tty *tty, bool exiting);
bool tty_is_hung(const struct file *file);

// --- input.c: received bytes become input. All with lock held. ---
void input_process(struct tty *tty);    // what is in the ring, as far as there is room
void input_type(struct tty *tty, u8 c); // one byte, past the ring
void input_flush(struct tty *tty);
void input_mode_changed(struct tty *tty, const struct termios2 *old);
// One byte from the other end. False: the ring is full. Any context, one caller at a time.
bool input_receive(struct tty *tty, u16 entry);

// --- read.c ---
ssize_t tty_read(struct file *file, struct iov_iter *iter, u64 *pos);
bool input_available(const struct tty *tty, bool for_poll); // a hint without lock
u32 input_count(struct tty *tty);                           // FIONREAD; lock held

// --- output.c ---
ssize_t tty_write(struct file *file, struct iov_iter *iter, u64 *pos);
// The rest with lock held.
void output_stop(struct tty *tty);
void output_start(struct tty *tty);
void output_send_raw(struct tty *tty, u8 c); // past processing and flow control
bool output_ready(struct tty *tty);          // a hint without lock
void echo_char(struct tty *tty, u8 c);       // control characters as ^X
void echo_raw(struct tty *tty, u8 c);        // with output processing only
void echo_flush(struct tty *tty);

// --- termios.c; -ENOIOCTLCMD: none of these ---
long termios_ioctl(struct tty *tty, u32 command, u64 argument);
extern const struct termios2 termios_default;

// --- ioctl.c. `from_master`: called on the other end of a pair. ---
long tty_ioctl_common(struct tty *tty, struct file *file, u32 command, u64 argument,
		      bool from_master);
int winsize_set(struct tty *tty, u64 argument);

// --- job.c ---
// 0: current may change or use its terminal. Else it was sent `sig`: -ERESTARTSYS, or -EIO.
int job_check(struct tty *tty, int sig);
void job_signal_foreground(struct tty *tty, int sig);
void job_open(struct tty *tty, struct file *file, bool noctty); // may become the controlling one
// The foreground group is who hears of input, unless somebody else is named.
struct async_list *job_async(struct file *file, bool on);
struct tty *job_controlling_tty(void);   // of current, counted; or NULL
void job_clear_session(struct tty *tty); // nobody's any more
void job_hangup(struct tty *tty, bool exiting);
// -ENOIOCTLCMD: not one of job control's.
long job_ioctl(struct tty *tty, struct file *file, u32 command, u64 argument, bool from_master);

// --- devpts.c ---
struct pty;
// Where the pairs of a file opened on a ptmx node are: the root of a devpts. Path counted.
int devpts_of(struct file *ptmx, struct path *root);
int devpts_new_index(struct superblock *sb);
void devpts_free_index(struct superblock *sb, int index);
// The name of a slave. devpts_remove() takes it away: opens find no pair any more.
int devpts_add(const struct path *root, int index, struct pty *pty, struct dentry **out);
void devpts_remove(struct dentry *slave);
struct pty *devpts_pty(const struct inode *inode); // tty_mutex held; NULL: gone

// --- pty.c ---
int pty_open_slave(struct inode *inode, struct file *file);
int pty_open_master(struct inode *inode, struct file *file);

#define CC(tty, which)   ((tty)->termios.c_cc[which])
#define LFLAG(tty, bits) ((tty)->termios.c_lflag & (bits))
#define IFLAG(tty, bits) ((tty)->termios.c_iflag & (bits))
#define OFLAG(tty, bits) ((tty)->termios.c_oflag & (bits))

static inline bool is_control(u8 c)
{
	return c < 32 || c == 127;
}

// Inside of a UTF-8 character: has no width of its own.
static inline bool is_continuation(const struct tty *tty, u8 c)
{
	return IFLAG(tty, IUTF8) && (c & 0xc0) == 0x80;
}

// A special character; NUL in c_cc turns one off.
static inline bool is_key(const struct tty *tty, int which, u8 c)
{
	return c && CC(tty, which) == c;
}
