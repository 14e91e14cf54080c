"""What the operator decided: `geminid.toml`, the environment and the command line, checked.

`load` is the one way in.  Nothing outside this package reads the environment.
"""

from geminid.config.describe import describe as describe
from geminid.config.load import environment as environment
from geminid.config.load import load as load
from geminid.config.model import Boot as Boot
from geminid.config.model import Caller as Caller
from geminid.config.model import Channel as Channel
from geminid.config.model import Config as Config
from geminid.config.model import Limits as Limits
from geminid.config.model import ModelMap as ModelMap
from geminid.config.model import Secret as Secret
from geminid.config.model import Server as Server
from geminid.config.model import VaultLimits as VaultLimits
from geminid.config.problems import ConfigError as ConfigError
from geminid.config.problems import Problem as Problem
from geminid.config.script import Conversation as Conversation
from geminid.config.script import Script as Script
from geminid.config.script import ScriptedCall as ScriptedCall
from geminid.config.script import ScriptedCode as ScriptedCode
from geminid.config.script import ScriptedUsage as ScriptedUsage
from geminid.config.script import Turn as Turn
from geminid.config.script_file import read_script as read_script
