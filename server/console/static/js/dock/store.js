/** What this browser keeps: its key and chain, signed records, the files of its cards. */

const NAME = "tiezheng-dock";
const STORES = { self: "name", records: "seq", files: "place" };

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
const asked = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

export class Store {
  /** @param {IDBDatabase} database */
  constructor(database) {
    this.database = database;
  }

  /** @returns {Promise<Store>} */
  static async open() {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => {
      for (const [store, keyPath] of Object.entries(STORES)) {
        request.result.createObjectStore(store, { keyPath });
      }
    };
    return new Store(await asked(request));
  }

  /** @param {keyof typeof STORES} store @param {IDBValidKey} key @returns {Promise<any>} */
  get(store, key) {
    return asked(this.database.transaction(store).objectStore(store).get(key));
  }

  /** @param {keyof typeof STORES} store @returns {Promise<any[]>} */
  all(store) {
    return asked(this.database.transaction(store).objectStore(store).getAll());
  }

  /** Write rows of any stores at once; on the disk when it resolves.
   * @param {Partial<Record<keyof typeof STORES, any[]>>} rows @returns {Promise<void>} */
  put(rows) {
    const names = Object.keys(rows);
    const unit = this.database.transaction(names, "readwrite", { durability: "strict" });
    for (const name of names) {
      const store = unit.objectStore(name);
      for (const row of rows[/** @type {keyof typeof STORES} */ (name)] ?? []) store.put(row);
    }
    return new Promise((resolve, reject) => {
      unit.oncomplete = () => resolve();
      unit.onabort = unit.onerror = () => reject(unit.error);
    });
  }

  /** Forget everything: the device was revoked, or is enrolled anew. @returns {Promise<void>} */
  clear() {
    const names = Object.keys(STORES);
    const unit = this.database.transaction(names, "readwrite");
    for (const name of names) unit.objectStore(name).clear();
    return new Promise((resolve, reject) => {
      unit.oncomplete = () => resolve();
      unit.onabort = unit.onerror = () => reject(unit.error);
    });
  }
}
