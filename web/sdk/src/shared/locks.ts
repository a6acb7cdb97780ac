/**
 * Runs one task of a name at a time over all pages and the worker of the origin, as far as the browser has Web Locks; elsewhere at once,
 * and what is sent twice is one by its id.
 */
export async function alone<T>(name: string, task: () => Promise<T>): Promise<T> {
  const locks = (navigator as {locks?: LockManager}).locks;
  if (!locks) return task();
  return (await locks.request(`clarion-${name}`, task)) as T;
}
