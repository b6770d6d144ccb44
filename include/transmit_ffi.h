#define FFI_SCOPE "TRANSMIT"
#define FFI_LIB "libtransmit.so.1"
/* transmit.h as PHP's FFI parser takes it, for ffi.preload. The parser reads the
 * two defines only above everything else; ./build.sh writes the library's full
 * path there. tests/ holds the rest equal to transmit.h. */
int32_t transmit_send(const char *json, size_t len);
int32_t transmit_send_with(const char *json, size_t len, uint32_t flags, const char *socket_path, uint32_t timeout_us);
int32_t transmit_try_send(const char *json, size_t len, uint32_t flags, const char *socket_path, const char *meta, uint32_t max_datagram_size);
int32_t transmit_flush(uint32_t timeout_us);
int32_t transmit_replay(uint32_t max_files, uint32_t budget_us);
int32_t transmit_configure(const char *json, size_t len);
int64_t transmit_send_configured(const char *settings, size_t settings_len, const char *json, size_t len, uint32_t flags, const char *socket_path, uint32_t timeout_us);
const char *transmit_strerror(int32_t result);
const char *transmit_last_error(void);
int32_t transmit_log_due(int32_t result, uint32_t *ret_suppressed);
int64_t transmit_log_due_for(int32_t result, const char *socket_path);
const char *transmit_stats(void);
const char *transmit_version(void);
uint32_t transmit_abi_version(void);
