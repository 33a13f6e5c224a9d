// The tables between terminals and processes; see session.h.

#include <sched/session.h>

const struct session_ops *session_ops;
const struct pgrp_ops *pgrp_ops;
