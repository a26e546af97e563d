// The official JavaScript client, unmodified, told by the test what to do:
// node tus_client.mjs '{"endpoint", "token", "file", "sha256", "how"}'
import { createReadStream, statSync } from 'node:fs'
import { PassThrough } from 'node:stream'
import { FileUrlStorage, Upload } from 'tus-js-client'

const task = JSON.parse(process.argv[2])
const size = statSync(task.file).size

const options = {
  endpoint: task.endpoint,
  headers: { Authorization: `Bearer ${task.token}` },
  metadata: { sha256: task.sha256, filename: '现场照片.jpg', filetype: 'image/jpeg' },
  retryDelays: [0, 100, 200, 400, 800, 1600, 1600, 1600, 1600, 1600],
  chunkSize: task.chunkSize ?? Number.POSITIVE_INFINITY,
  uploadSize: size,
  fingerprint: async () => task.sha256,
}
if (task.memory) options.urlStorage = new FileUrlStorage(task.memory)
if (task.how === 'during-creation') options.uploadDataDuringCreation = true
if (task.how === 'parallel') {
  options.parallelUploads = 3
  options.uploadSize = undefined
}
if (task.how === 'deferred') {
  options.uploadLengthDeferred = true
  options.uploadSize = undefined
}

await new Promise((resolve, reject) => {
  const file = createReadStream(task.file)
  // A pipe has no length, as a recording under way has none.
  const source = task.how === 'deferred' ? file.pipe(new PassThrough()) : file
  const upload = new Upload(source, {
    ...options,
    onError: reject,
    onSuccess: resolve,
    onProgress: (sent) => {
      if (task.abortAfter && sent >= task.abortAfter) {
        console.log(JSON.stringify({ url: upload.url, sent }))
        process.exit(0) // as if the phone had died: no farewell to the server
      }
    },
  })
  const looking = task.memory ? upload.findPreviousUploads() : Promise.resolve([])
  looking.then((earlier) => {
    if (earlier.length) upload.resumeFromPreviousUpload(earlier[0])
    console.log(JSON.stringify({ resumed: earlier.length }))
    upload.start()
  }, reject)
})
