"""Load, while there still is a disk, what a code step may import: after the locks close, nothing can be loaded.

Left out: what only serves networks, other processes, windows on a screen, and building Python itself.
"""

import codecs
import contextlib
import datetime as dt
import importlib
import sys
import time
import zoneinfo

from . import template

MODULES = """
abc argparse array ast asyncio base64 bdb binascii bisect bz2 calendar cmath codecs collections collections.abc colorsys
concurrent.futures concurrent.futures.thread configparser contextlib contextvars copy copyreg csv ctypes dataclasses
datetime decimal difflib dis email email.header email.message email.mime.multipart email.mime.text email.parser
email.policy email.utils enum errno faulthandler filecmp fnmatch fractions functools gc getpass gettext glob graphlib
gzip hashlib heapq hmac html html.entities html.parser http imghdr importlib.metadata importlib.resources inspect io
ipaddress itertools json json.decoder json.encoder keyword linecache locale logging logging.handlers lzma mailbox
marshal math mimetypes mmap numbers opcode operator os os.path pathlib pickle pickletools pkgutil platform plistlib
pprint queue quopri random re reprlib resource sched secrets select selectors shelve shlex shutil signal socket sqlite3
stat statistics string stringprep struct subprocess symtable sys sysconfig tarfile tempfile textwrap threading time
timeit token tokenize tomllib traceback tracemalloc types typing unicodedata unittest.mock urllib.error urllib.parse
uuid warnings wave weakref xml.dom.minidom xml.etree.ElementTree xml.sax zipfile zlib zoneinfo
""".split()  # noqa: SIM905  # 120 words read better than 120 strings.

ENCODINGS = """
ascii base64-codec big5 charmap cp1252 cp437 cp932 cp949 cp950 euc_jis_2004 euc_jp euc_kr gb18030 gb2312 gbk hex-codec
idna iso2022_jp iso2022_kr iso8859_1 iso8859_15 iso8859_2 johab koi8_r latin-1 mac_roman punycode raw-unicode-escape
rot_13 shift_jis unicode-escape utf-16 utf-16-be utf-16-le utf-32 utf-7 utf-8 utf-8-sig
""".split()  # noqa: SIM905  # As above.


def preload() -> None:
    """Load all there is of it. Nothing can be imported from the disk afterwards."""
    for name in MODULES:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    for name in ENCODINGS:
        with contextlib.suppress(LookupError):
            codecs.lookup(name)
    # Loaded by these on first use.
    time.strptime("2026", "%Y")
    dt.datetime.now().astimezone()
    _ZONES.extend(zoneinfo.ZoneInfo(name) for name in sorted(zoneinfo.available_timezones()))
    template.rendered("{% for a in b %}{{ a|upper }}{% endfor %}", {"b": ["x"]})
    sys.path.clear()
    sys.path_importer_cache.clear()


_ZONES: list[zoneinfo.ZoneInfo] = []
"""Every time zone: while somebody holds it, ZoneInfo("Asia/Seoul") finds it without a disk."""
