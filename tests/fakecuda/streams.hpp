// Calls of the runtime: streams and captures. A part of runtime.cpp.

extern "C" {

// ---------------------------------------------------------------------------------------------
// Streams
// ---------------------------------------------------------------------------------------------

// A stream belongs to the device that is current where it is made.
cudaError_t cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned flags, int priority) {
  if (cudaError_t error = reach_current()) {
    return answer(error, "cudaStreamCreateWithPriority");
  }
  Stream* made = new Stream();
  made->device = current;
  made->priority = priority;
  made->blocking = (flags & cudaStreamNonBlocking) == 0;
  *stream = (cudaStream_t)made;
  return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  return cudaStreamCreateWithPriority(stream, flags, 0);
}

cudaError_t cudaStreamCreate(cudaStream_t* stream) {
  return cudaStreamCreateWithPriority(stream, cudaStreamDefault, 0);
}

// Streams and events stay in memory: torch makes few, and never a handle that is stale here.
cudaError_t cudaStreamDestroy(cudaStream_t) {
  return cudaSuccess;
}

cudaError_t cudaStreamGetPriority(cudaStream_t stream, int* priority) {
  *priority = stream_of(stream).priority;
  return cudaSuccess;
}

cudaError_t cudaStreamQuery(cudaStream_t stream) {
  return answer(wait_for_stream(stream, "cudaStreamQuery"), "cudaStreamQuery");
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  state().counts.waits++;
  return answer(wait_for_stream(stream, "cudaStreamSynchronize"), "cudaStreamSynchronize");
}

cudaError_t cudaStreamAddCallback(
    cudaStream_t stream, cudaStreamCallback_t call, void* data, unsigned) {
  call(stream, cudaSuccess, data);
  return cudaSuccess;
}

cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t call, void* data) {
  Locked locked;
  if (capture_of(stream_of(stream)) != nullptr) {
    return answer(give(stream, "cudaLaunchHostFunc"), "cudaLaunchHostFunc");
  }
  call(data);
  return cudaSuccess;
}

// A wait for an event of a capture takes the stream into that capture. A stream in a capture may
// not wait for work outside of it, nor for that of another capture.
cudaError_t cudaStreamWaitEvent(cudaStream_t handle, cudaEvent_t awaited, unsigned) {
  Locked locked;
  Stream& stream = stream_of(handle);
  Event& event = *(Event*)awaited;
  if (!event.recorded) {
    return cudaSuccess;
  }
  Capture* own = capture_of(stream);
  auto theirs = state().captures.find(event.capture);
  bool captured = theirs != state().captures.end();
  if (captured && own == nullptr) {
    stream.capture = event.capture;
    theirs->second.streams.insert(&stream);
    return cudaSuccess;
  }
  if (own != nullptr && own->id != event.capture) {
    cudaError_t error = captured ? cudaErrorStreamCaptureMerge : cudaErrorStreamCaptureIsolation;
    return answer(invalidate(*own, error, "cudaStreamWaitEvent"), "cudaStreamWaitEvent");
  }
  return answer(reach(stream.device), "cudaStreamWaitEvent");
}

// ---------------------------------------------------------------------------------------------
// Captures
// ---------------------------------------------------------------------------------------------

// The legacy stream cannot be captured, nor a stream that is in a capture.
cudaError_t cudaStreamBeginCapture(cudaStream_t handle, cudaStreamCaptureMode mode) {
  Locked locked;
  if (is_legacy(handle)) {
    return answer(cudaErrorStreamCaptureUnsupported, "cudaStreamBeginCapture");
  }
  Stream& stream = stream_of(handle);
  cudaError_t error = capture_of(stream) ? cudaErrorIllegalState : reach(stream.device);
  if (error) {
    return answer(error, "cudaStreamBeginCapture");
  }
  Capture capture;
  capture.id = ++state().captures_begun;
  capture.graph = new Graph();
  capture.graph->device = stream.device;
  capture.origin = &stream;
  capture.mode = mode;
  capture.thread = std::this_thread::get_id();
  capture.streams.insert(&stream);
  stream.capture = capture.id;
  state().captures[capture.id] = capture;
  say("begin capture on device %d (current %d)", stream.device, current);
  return cudaSuccess;
}

// A capture ends in the stream where it began and, unless it is relaxed, in the same thread.
cudaError_t cudaStreamEndCapture(cudaStream_t handle, cudaGraph_t* graph) {
  Locked locked;
  *graph = nullptr;
  Stream& stream = stream_of(handle);
  Capture* found = capture_of(stream);
  if (found == nullptr) {
    return answer(cudaErrorIllegalState, "cudaStreamEndCapture");
  }
  bool elsewhere = found->thread != std::this_thread::get_id();
  if (elsewhere && found->mode != cudaStreamCaptureModeRelaxed) {
    return answer(cudaErrorStreamCaptureWrongThread, "cudaStreamEndCapture");
  }
  if (found->origin != &stream) {
    return answer(
        invalidate(*found, cudaErrorStreamCaptureUnmatched, "cudaStreamEndCapture"),
        "cudaStreamEndCapture");
  }
  Capture ended = *found;
  for (Stream* captured : ended.streams) {
    captured->capture = NO_CAPTURE;
  }
  state().captures.erase(ended.id);
  const char* how = ended.invalid ? " INVALID" : "";
  say("end capture: %zu nodes on device %d%s", ended.graph->nodes, ended.graph->device, how);
  if (ended.invalid) {
    delete ended.graph;
    return answer(cudaErrorStreamCaptureInvalidated, "cudaStreamEndCapture");
  }
  *graph = (cudaGraph_t)ended.graph;
  return cudaSuccess;
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status) {
  Locked locked;
  *status = status_of(capture_of(stream_of(stream)));
  return cudaSuccess;
}

cudaError_t cudaStreamGetCaptureInfo(
    cudaStream_t stream, cudaStreamCaptureStatus* status, unsigned long long* id,
    cudaGraph_t* graph, const cudaGraphNode_t** nodes, const cudaGraphEdgeData** edges,
    size_t* count) {
  Locked locked;
  Capture* capture = capture_of(stream_of(stream));
  *status = status_of(capture);
  if (capture != nullptr && id != nullptr) {
    *id = capture->id;
  }
  if (capture != nullptr && graph != nullptr) {
    *graph = (cudaGraph_t)capture->graph;
  }
  if (nodes != nullptr) {
    *nodes = nullptr;
  }
  if (edges != nullptr) {
    *edges = nullptr;
  }
  if (count != nullptr) {
    *count = 0;
  }
  return cudaSuccess;
}

cudaError_t cudaStreamUpdateCaptureDependencies(
    cudaStream_t, cudaGraphNode_t*, const cudaGraphEdgeData*, size_t, unsigned) {
  return cudaSuccess;
}

cudaError_t cudaThreadExchangeStreamCaptureMode(cudaStreamCaptureMode* mode) {
  std::swap(thread_mode, *mode);
  return cudaSuccess;
}

}  // extern "C"
