/** Read, write and execute of a file mode. Setuid, setgid and sticky are left out, because they are never set. */
export const PERMISSION_BITS = 0o777;
